"""Clients that have forgotten every broker are replaced, those of group members and of readers."""

from collections.abc import Iterator, Sequence

import pytest
from confluent_kafka import Consumer, KafkaException

from seedcast.kafka import GroupConsumer, Partition, Record, TopicReader, lost_brokers
from seedcast.kafka.start_offsets import Committed
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from tests.builders.brokerless import Brokerless
from tests.builders.topics import send
from tests.builders.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MEMBERS = 6  # few answers without brokers are the end of a client
READERS = 16  # they learn brokers more seldom


def ask(client: Consumer, topic: str) -> None:
    """Ask for metadata, as librdkafka does now and then."""
    try:
        client.list_topics(topic, timeout=0.2)
    except KafkaException:  # no broker to ask
        return


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
def proxied(settings: Settings, proxy: Brokerless, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(lost_brokers, "INTERVAL", 0.2)
    monkeypatch.setattr(lost_brokers, "LOST_AFTER", 2.0)
    kafka = settings.kafka.model_copy(update={"bootstrap": f"127.0.0.1:{proxy.port}"})
    return settings.model_copy(update={"kafka": kafka})


@pytest.fixture
def members(proxied: Settings) -> Iterator[list[Member]]:
    members = [Member(proxied, number) for number in range(MEMBERS)]
    yield members
    for member in members:
        member.consumer.close()


def test_a_member_joins_its_group_again_and_reads_on(
    settings: Settings, proxy: Brokerless, members: list[Member]
) -> None:
    def all_own() -> bool:
        for member in members:
            member.poll()
        return all(len(member.owned) == settings.kafka.partitions for member in members)

    def one_is_replaced() -> bool:
        for member in members:
            ask(member.consumer._client, member.topic)
            member.poll()
        return any(member.replaced for member in members)

    eventually(all_own, what="all partitions")
    proxy.hides = True
    eventually(one_is_replaced, what="a client that lost all its brokers")
    proxy.hides = False
    eventually(all_own, timeout=60, what="all partitions again")
    send(settings, RESULTS, [(b"key", b"value")])
    eventually(lambda: all_own() and all(m.records for m in members), what="the record")
    assert [[r.value for r in m.records] for m in members] == [[b"value"]] * MEMBERS


def test_a_reader_reads_on_where_it_was(
    settings: Settings, proxy: Brokerless, proxied: Settings
) -> None:
    topic = settings.topic(RESULTS)
    send(settings, RESULTS, [(b"key", b"before")])
    readers = [TopicReader(proxied, topic) for _ in range(READERS)]
    clients = [reader._client for reader in readers]
    values: list[list[bytes]] = [[r.value for r in reader.to_end()] for reader in readers]

    def read() -> None:
        for reader, found in zip(readers, values, strict=True):
            found += [record.value for record in reader.poll(0.05)]

    def one_is_replaced() -> bool:
        for reader in readers:
            ask(reader._client, topic)
        read()
        proxy.hides = not proxy.hides  # a client forgets only what it has learned
        return any(r._client is not c for r, c in zip(readers, clients, strict=True))

    def all_read() -> bool:
        read()
        return all(len(found) > 1 for found in values)

    eventually(one_is_replaced, what="a client that lost all its brokers")
    proxy.hides = False
    send(settings, RESULTS, [(b"key", b"after")])
    eventually(all_read, timeout=60, what="the record")
    assert values == [[b"before", b"after"]] * READERS
    for reader in readers:
        reader.close()
