"""What a group grants, as its client hears it: refusals come beside a call that times out."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from seedcast.kafka import group_client
from seedcast.kafka.group_client import GroupClients
from seedcast.schemas.rights import Right
from seedcast.settings import KafkaSettings

GROUP, TOPIC = "night.postprocess", "night.audio"
READ, DESCRIBE = Right("Read", "Group", GROUP), Right("Describe", "Group", GROUP)
DENIED = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
NO_PARTITION = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
TIMED_OUT = KafkaError(KafkaError._TIMED_OUT)
LOADING = KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS)


class Event:
    def __init__(self, error: KafkaError) -> None:
        self._error = error

    def error(self) -> KafkaError:
        return self._error


class Client:
    """Answers as it was told to; `made` counts the clients."""

    made = 0
    fetched: list[KafkaError | None]
    heard: list[KafkaError]
    committed_as: KafkaError | None

    def __init__(self, properties: dict[str, Any], logger: object) -> None:
        type(self).made += 1
        self._on_commit: Callable[..., None] = properties["on_commit"]
        self._commits = 0

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        if error := self.fetched.pop(0):
            raise KafkaException(error)
        return partitions

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        self._commits += 1

    def poll(self, timeout: float) -> Event | None:
        if self._commits:
            self._commits = 0
            self._on_commit(self.committed_as, [])
        return Event(self.heard.pop()) if self.heard else None


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> GroupClients:
    Client.made, Client.fetched, Client.heard, Client.committed_as = 0, [], [], NO_PARTITION
    monkeypatch.setattr(group_client, "Consumer", Client)
    return GroupClients(KafkaSettings())


@pytest.mark.parametrize("right", [READ, DESCRIBE], ids=str)
def test_a_right_that_is_granted(clients: GroupClients, right: Right) -> None:
    Client.fetched = [None]
    assert clients.grants(right, TOPIC, 5)


@pytest.mark.parametrize("right", [READ, DESCRIBE], ids=str)
def test_a_coordinator_that_we_may_not_know_is_a_refusal(
    clients: GroupClients, right: Right
) -> None:
    Client.fetched, Client.heard = [TIMED_OUT], [DENIED]
    assert not clients.grants(right, TOPIC, 60)
    Client.fetched = [None]
    assert clients.grants(right, TOPIC, 60)
    assert Client.made == 2, "a client that has failed hears no refusal again"


def test_who_may_describe_may_not_always_commit(clients: GroupClients) -> None:
    Client.fetched, Client.committed_as = [None, None], DENIED
    assert clients.grants(DESCRIBE, TOPIC, 5)
    assert not clients.grants(READ, TOPIC, 5)


def test_a_coordinator_that_loads_is_waited_for(clients: GroupClients) -> None:
    Client.fetched = [LOADING] * 5 + [TIMED_OUT, None]
    assert clients.committed(GROUP, [TopicPartition(TOPIC, 0)], 60)


@pytest.mark.parametrize("error", [KafkaError(KafkaError._TRANSPORT), TIMED_OUT], ids=str)
def test_no_answer_is_no_refusal(clients: GroupClients, error: KafkaError) -> None:
    Client.fetched, Client.committed_as = [None], error
    with pytest.raises(KafkaException):
        clients.grants(READ, TOPIC, 5)
    Client.fetched = [TIMED_OUT]
    with pytest.raises(KafkaException):
        clients.grants(READ, TOPIC, 0)
