"""A group member whose client has forgotten every broker joins its group again."""

from collections.abc import Iterator, Sequence

import pytest
from confluent_kafka import Consumer, KafkaException

from seedcast.kafka import GroupConsumer, Partition, Record, group_consumer, lost_brokers
from seedcast.kafka.start_offsets import Committed
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from tests.builders.brokerless import Brokerless
from tests.builders.deployments import with_short_session
from tests.builders.topics import send
from tests.builders.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MEMBERS = 4  # an answer without brokers is the end of one client in ten or so


class Member:
    """The only member of its group."""

    def __init__(self, settings: Settings, number: int) -> None:
        self.owned: set[Partition] = set()
        self.records: list[Record] = []
        self.topic = settings.topic(RESULTS)
        self.consumer = GroupConsumer(
            settings,
            settings.group(f"test-{number}"),
            [self.topic],
            on_assign=self._assigned,
            on_revoke=lambda _: None,
            on_lost=self._lost,
        )
        self._first = self._client

    @property
    def _client(self) -> Consumer:
        return self.consumer._client

    @property
    def replaced(self) -> bool:
        return self._client is not self._first

    def poll(self) -> None:
        self.records += self.consumer.poll(10, 0.05)

    def ask(self) -> None:
        """Ask for metadata, as librdkafka does now and then."""
        try:
            self._client.list_topics(self.topic, timeout=0.2)
        except KafkaException:  # no broker to ask
            return

    def _assigned(self, committed: dict[Partition, Committed]) -> None:
        assert not self.owned & committed.keys(), "assigned before it was lost"
        self.owned |= committed.keys()

    def _lost(self, partitions: Sequence[Partition]) -> None:
        self.owned -= set(partitions)


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Brokerless]:
    proxy = Brokerless(int(settings.kafka.bootstrap.rpartition(":")[2]))
    yield proxy
    proxy.close()


@pytest.fixture
def members(
    settings: Settings, proxy: Brokerless, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Member]]:
    monkeypatch.setattr(group_consumer, "INTERVAL", 0.2)
    monkeypatch.setattr(lost_brokers, "LOST_AFTER", 2.0)
    settings = with_short_session(settings)
    kafka = settings.kafka.model_copy(update={"bootstrap": f"127.0.0.1:{proxy.port}"})
    settings = settings.model_copy(update={"kafka": kafka})
    members = [Member(settings, number) for number in range(MEMBERS)]
    yield members
    for member in members:
        member.consumer.close()


def test_a_member_whose_client_knows_no_broker_any_more_joins_again_and_reads_on(
    settings: Settings, proxy: Brokerless, members: list[Member]
) -> None:
    def all_own() -> bool:
        for member in members:
            member.poll()
        return all(len(member.owned) == settings.kafka.partitions for member in members)

    def one_is_replaced() -> bool:
        for member in members:
            member.ask()
            member.poll()
        return any(member.replaced for member in members)

    eventually(all_own, what="all partitions")
    proxy.hides = True
    eventually(one_is_replaced, timeout=60, what="a client that lost all its brokers")
    assert proxy.hidden
    proxy.hides = False
    eventually(all_own, timeout=60, what="all partitions again")
    send(settings, RESULTS, [(b"key", b"value")])
    eventually(lambda: all_own() and all(m.records for m in members), what="the record")
    assert [[r.value for r in m.records] for m in members] == [[b"value"]] * MEMBERS
