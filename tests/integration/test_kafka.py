"""Our Kafka clients on a real broker.

Topics match the table, the largest records pass, and no loss is silent.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import ConsumerGroupState, TopicPartition
from pydantic import SecretStr

from seedcast.embedded import broker, processes
from seedcast.embedded.stack_state import HOST, State
from seedcast.errors import (
    BrokerUnavailable,
    CredentialsRefused,
    OffsetsLost,
    Poison,
    SeedcastError,
    TopicMismatch,
    Unreachable,
)
from seedcast.kafka import (
    Admin,
    Committed,
    GroupConsumer,
    GroupOffsets,
    Offsets,
    Partition,
    Producer,
    Record,
    TopicReader,
    client_config,
)
from seedcast.kafka.admin_client import AdminClient
from seedcast.schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    CAMPAIGNS,
    DEAD_LETTERS,
    MIB,
    REQUESTS,
    RESULTS,
    TOPICS,
    Topic,
)
from seedcast.settings import KafkaSettings, Settings
from tests.builders.processes import stop_when_orphaned
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

SETTLED = 5  # rounds of polling: a quarter of a second for each member
OVERHEAD = 512  # bytes of a record batch beside its value


def changed(settings: Settings, **kafka: object) -> Settings:
    return settings.model_copy(update={"kafka": settings.kafka.model_copy(update=kafka)})


def records(settings: Settings, topic: Topic) -> list[Record]:
    with TopicReader(settings, settings.topic(topic)) as reader:
        return list(reader.to_end())


def delete_before(settings: Settings, topic: Topic, offset: int) -> None:
    """Delete the beginning of partition 0, as retention does."""
    client = AdminClient({"bootstrap.servers": settings.kafka.bootstrap})
    beginning = [TopicPartition(settings.topic(topic), 0, offset)]
    for deleted in client.delete_records(beginning).values():
        deleted.result(60)


def noise(size: int) -> bytes:
    """Return bytes that no compression makes smaller, the same each time."""
    return random.Random(size).randbytes(size)


def test_missing_topics_are_created_as_the_table_says(settings: Settings) -> None:
    settings = changed(settings, prefix=settings.kafka.prefix + "x")
    created = Admin(settings).ensure_topics()
    existing = Admin(settings).existing()
    assert created == [settings.topic(topic) for topic in TOPICS]
    assert (existing[settings.topic(AUDIO)], existing[settings.topic(CAMPAIGNS)]) == (4, 1)
    assert list(Admin(settings).problems()) == []
    assert Admin(settings).ensure_topics() == []


def test_too_few_partitions_are_named_and_refused(settings: Settings) -> None:
    with pytest.raises(TopicMismatch, match="expected at least 6 partitions, got 4") as raised:
        Admin(changed(settings, partitions=6)).ensure_topics()
    assert settings.topic(REQUESTS) in str(raised.value)
    assert settings.topic(AUDIO) in str(raised.value)


def test_too_few_replicas_and_a_low_min_insync_are_named(settings: Settings) -> None:
    problems = list(Admin(changed(settings, replication=3)).problems())
    for topic in TOPICS:
        name = settings.topic(topic)
        assert f"{name}: expected at least 3 replicas, got 1" in problems
        assert f"{name}: expected min.insync.replicas of at least 2, got 1" in problems


@pytest.mark.parametrize(
    ("topic", "size"),
    [(REQUESTS, MIB - OVERHEAD), (AUDIO, 16 * MIB - OVERHEAD), (DEAD_LETTERS, MIB)],
)
def test_the_largest_record_arrives_as_it_was_sent(
    settings: Settings, topic: Topic, size: int
) -> None:
    Producer(settings).deliver(
        settings.topic(topic), key=b"key", value=noise(size), headers=[("why", b"because")]
    )
    [record] = records(settings, topic)
    assert (record.key, record.headers) == (b"key", (("why", b"because"),))
    assert record.value == noise(size)


def test_the_largest_audio_record_is_a_setting_that_topics_are_created_and_checked_by(
    settings: Settings,
) -> None:
    small = changed(settings, prefix=settings.kafka.prefix + "s", max_record_bytes=MIB)
    Admin(small).ensure_topics()
    assert list(Admin(small).problems()) == []
    larger = changed(small, max_record_bytes=MIB + 1)
    assert list(Admin(larger).problems()) == [
        f"{small.topic(topic)}: expected max.message.bytes of at least {MIB + 1}, got {MIB}"
        for topic in (AUDIO, AUDIO_URGENT)
    ]
    Producer(small).deliver(small.topic(AUDIO), key=b"k", value=noise(MIB - OVERHEAD))
    for sender in (small, settings):  # librdkafka refuses the one, the broker the other
        with pytest.raises(Poison):
            Producer(sender).deliver(small.topic(AUDIO), key=b"k", value=noise(MIB + 128 * 1024))


def test_a_topic_that_the_cluster_does_not_allow_names_the_settings(settings: Settings) -> None:
    settings = changed(settings, prefix=settings.kafka.prefix + "r", replication=3)
    with pytest.raises(TopicMismatch, match="SEEDCAST_KAFKA_REPLICATION"):
        Admin(settings).ensure_topics()


def test_a_record_whose_offset_is_unknown_counts_as_delivered(settings: Settings) -> None:
    """After a lost answer the brokers confirm a record that they have, without its offset.

    Here they are not asked for an answer.
    """
    silent = Producer(settings, {"acks": 0, "enable.idempotence": False})
    assert silent.deliver(settings.topic(REQUESTS), key=b"7", value=b"value") is None


def test_what_is_sent_after_a_queue_was_abandoned_is_delivered(settings: Settings) -> None:
    producer, topic = Producer(settings), settings.topic(RESULTS)
    outcomes, rounds = list[SeedcastError | None](), 10
    for number in range(rounds):
        producer.send(topic, key=b"dropped", value=b"v", on_delivery=outcomes.append)
        producer.abandon()
        assert len(outcomes) == number + 1, "each record has an end"
        producer.deliver(topic, key=b"sent", value=b"v")
    kept = [record for record in records(settings, RESULTS) if record.key == b"sent"]
    assert len(kept) == rounds


def test_a_record_over_its_topics_limit_is_poison_and_the_others_arrive(
    settings: Settings,
) -> None:
    outcomes: dict[int, SeedcastError | None] = {}

    def store(number: int) -> Callable[[SeedcastError | None], None]:
        return lambda error: outcomes.update({number: error})

    producer = Producer(settings)
    for number, size in enumerate([10, 10, MIB + OVERHEAD, 10, 20 * MIB, 10]):
        try:
            producer.send(
                settings.topic(REQUESTS),
                key=b"7",
                value=noise(size),
                partition=0,
                on_delivery=store(number),
            )
        except Poison as error:
            outcomes[number] = error
    assert producer.flush(30) == 0
    delivered = type(None)
    expected = [delivered, delivered, Poison, delivered, Poison, delivered]
    assert [type(outcomes[number]) for number in range(6)] == expected
    assert len(records(settings, REQUESTS)) == 4


def test_no_broker_is_unreachable_at_the_start_and_unavailable_later(settings: Settings) -> None:
    [closed] = processes.free_ports(0)
    unreachable = changed(settings, bootstrap=f"{HOST}:{closed}", start_timeout=1.0)
    with pytest.raises(Unreachable, match=f"{closed}.*SEEDCAST_KAFKA_BOOTSTRAP"):
        Admin(unreachable).cluster_id()
    producer = Producer(unreachable)
    with pytest.raises(BrokerUnavailable):
        producer.deliver("any", key=None, value=b"", timeout=0.5)
    assert producer.outstanding >= 1  # librdkafka also counts reports that it still has to make
    producer.abandon()
    with pytest.raises(BrokerUnavailable):
        TopicReader(unreachable, "any")


def test_a_missing_topic_is_named(settings: Settings) -> None:
    with pytest.raises(TopicMismatch, match="nowhere"):
        TopicReader(settings, "nowhere")


class Member:
    """One consumer of a group that records its callbacks."""

    def __init__(self, settings: Settings, *topics: Topic) -> None:
        self.assigned: dict[Partition, Committed] = {}
        self.revoked: list[Partition] = []
        self.lost: list[Partition] = []
        self.owned: set[Partition] = set()
        self.commits: list[tuple[Offsets, SeedcastError | None]] = []
        self.consumer = GroupConsumer(
            settings,
            settings.group("test"),
            [settings.topic(topic) for topic in topics or [RESULTS]],
            on_assign=self._on_assign,
            on_revoke=self.revoked.extend,
            on_lost=self._on_lost,
            on_commit=lambda *result: self.commits.append(result),
        )

    def _on_assign(self, committed: dict[Partition, Committed]) -> None:
        self.assigned |= committed
        self.owned |= committed.keys()

    def _on_lost(self, partitions: Sequence[Partition]) -> None:
        self.lost += partitions
        self.owned -= set(partitions)

    def poll_once(self) -> None:
        for _ in self.consumer.poll(1, 0.05):
            pass

    def read(self, count: int) -> list[Record]:
        records: list[Record] = []

        def enough() -> bool:
            records.extend(self.consumer.poll(count, 0.1))
            return len(records) >= count

        eventually(enough, what=f"{count} records")
        return records

    def wait_for_assignment(self, partitions: int) -> None:
        eventually(
            lambda: list(self.consumer.poll(1, 0.1)) or len(self.assigned) >= partitions,
            what="the assignment",
        )


def poll_until(holds: Callable[[], object], *members: Member, what: str) -> None:
    """Poll every member in turn until it holds: only a poll runs a member's callbacks."""

    def polled() -> object:
        for each in members:
            each.poll_once()
        return holds()

    eventually(polled, what=what)


def poll_until_settled(settings: Settings, *members: Member) -> None:
    """Poll until the group rebalances no more, and each member has run its callbacks.

    A member joins no later rebalance while it has callbacks to run, and others wait for it. The
    last of them may come when the broker knows already that the group is stable.
    """
    client, group = AdminClient(client_config.client(settings.kafka)), settings.group("test")
    stable = 0  # rounds without a break

    def settled() -> bool:
        nonlocal stable
        state = client.describe_consumer_groups([group])[group].result(30).state
        stable = stable + 1 if state == ConsumerGroupState.STABLE else 0
        return stable == SETTLED

    poll_until(settled, *members, what="a group that rebalances no more")


@pytest.fixture
def member(settings: Settings) -> Iterator[Callable[..., Member]]:
    members: list[Member] = []

    def join(*topics: Topic) -> Member:
        members.append(Member(settings, *topics))
        return members[-1]

    yield join
    for each in members:
        each.consumer.close()


def send(settings: Settings, values: Sequence[bytes]) -> Partition:
    producer = Producer(settings)
    for value in values:
        producer.send(
            settings.topic(RESULTS),
            key=b"key",
            value=value,
            partition=0,
            on_delivery=lambda _: None,
        )
    assert producer.flush(30) == 0
    return Partition(settings.topic(RESULTS), 0)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_commit_and_its_metadata_reach_the_next_owner(settings: Settings, protocol: str) -> None:
    settings = changed(settings, group_protocol=protocol)
    partition, bitmap = send(settings, [b"0", b"1", b"2", b"3"]), "b" * 4000
    first = Member(settings)
    assert [record.value for record in first.read(4)] == [b"0", b"1", b"2", b"3"]
    first.consumer.commit_sync({partition: (2, bitmap)})
    first.consumer.close()
    assert partition in first.revoked
    second = Member(settings)
    assert [record.offset for record in second.read(2)] == [2, 3]
    assert second.assigned[partition] == Committed(2, bitmap, log_start=0)
    assert second.assigned[Partition(settings.topic(RESULTS), 1)] == Committed(
        None, "", log_start=0
    )
    [lag] = [
        lag for lag in GroupOffsets(settings).lag(settings.group("test")) if lag.partition == 0
    ]
    assert (lag.committed, lag.end, lag.records) == (2, 4, 2)
    second.consumer.close()


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_later_poll_reports_the_result_of_a_commit(settings: Settings, protocol: str) -> None:
    settings = changed(settings, group_protocol=protocol)
    only, partition = Member(settings), Partition(settings.topic(RESULTS), 0)
    only.wait_for_assignment(4)
    only.consumer.commit_async({partition: (0, "first")})
    only.consumer.commit_async({partition: (0, "while that is pending")})
    poll_until(lambda: only.commits, only, what="the result of the commit")
    assert GroupOffsets(settings).committed(settings.group("test"))[partition].metadata == "first"
    only.consumer.commit_async({partition: (0, "second")})
    poll_until(lambda: len(only.commits) == 2, only, what="the result of the second commit")
    assert only.commits == [({partition: (0, metadata)}, None) for metadata in ("first", "second")]
    only.consumer.close()


def test_a_commit_during_a_rebalance_does_not_block_a_member_that_others_wait_for(
    settings: Settings, member: Callable[..., Member]
) -> None:
    one, other = member(REQUESTS), member(RESULTS)
    poll_until(
        lambda: len(one.assigned) == len(other.assigned) == 4, one, other, what="a topic for each"
    )
    poll_until_settled(settings, one, other)
    third = member(REQUESTS, RESULTS)  # takes from both
    poll_until(lambda: one.revoked, one, third, what="a partition that leaves")
    kept = next(partition for partition in one.assigned if partition not in one.revoked)
    # The commit queues behind its request to join, which waits for the other's callback.
    one.consumer.commit_async({kept: (0, "")})
    poll_until(lambda: one.commits, one, third, other, what="the result of the commit")
    assert other.revoked


def test_a_member_leaves_during_a_rebalance_that_no_poll_has_reported_to_it(
    settings: Settings, member: Callable[..., Member], capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = member(RESULTS), member(RESULTS)
    poll_until(
        lambda: len(one.owned) == len(other.owned) == 2, one, other, what="two partitions for each"
    )
    poll_until_settled(settings, one, other)
    owned = set(one.owned)
    one.lost.clear()  # the first of the two had all partitions
    third = member(REQUESTS)  # takes from none, and yet causes a rebalance for each
    poll_until(lambda: len(third.assigned) == 4, other, third, what="a topic for the third")
    one.consumer.close()
    assert set(one.lost) == owned
    what = "its partitions before its session ends"
    poll_until(lambda: len(other.owned) == 4, other, third, what=what)
    assert "leave_timed_out" not in capsys.readouterr().out


def test_a_leaving_member_takes_over_nothing_and_reads_nothing(
    settings: Settings, member: Callable[..., Member]
) -> None:
    send(settings, [b"0"])
    one, other = member(RESULTS), member(RESULTS)
    one.consumer.stop_taking_over()
    poll_until(
        lambda: len(one.consumer._client.assignment()) == len(other.owned) == 2,
        one,
        other,
        what="two partitions for each",
    )
    one.consumer.close()
    poll_until(lambda: len(other.owned) == 4, other, what="the partitions that it left")
    assert not one.assigned


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_partition_that_left_while_throttled_is_read_when_it_comes_back(
    settings: Settings, protocol: str
) -> None:
    settings = changed(settings, group_protocol=protocol)
    send(settings, [b"0"])
    first = Member(settings)
    first.read(1)
    first.wait_for_assignment(4)
    for partition in first.assigned:
        first.consumer.pause(partition)
    second = Member(settings)
    eventually(
        lambda: (
            (list(first.consumer.poll(1, 0.1)), list(second.consumer.poll(1, 0.1)))
            and second.assigned
        ),
        what="partitions that move",
    )
    # Nothing was committed, so partition 0 may be read from its beginning, at any of these polls.
    moved, seen = first.revoked[0], list[Record]()
    first.assigned.clear()
    second.consumer.close()

    def read_until(holds: Callable[[], object], what: str) -> None:
        def read() -> object:
            seen.extend(first.consumer.poll(1, 0.1))
            return holds()

        eventually(read, what=what)

    read_until(lambda: moved in first.assigned, "partitions that come back")
    client = confluent_kafka.Producer(client_config.client(settings.kafka))
    client.produce(moved.topic, b"late", partition=moved.number)
    assert client.flush(30) == 0
    read_until(lambda: b"late" in [record.value for record in seen], "the late record")
    assert seen[-1].partition == moved
    first.consumer.close()


def test_offsets_deleted_before_a_new_owner_came_are_fatal(
    settings: Settings, member: Callable[[], Member]
) -> None:
    partition = send(settings, [b"0", b"1", b"2"])
    first = member()
    first.read(3)
    first.consumer.commit_sync({partition: (1, "")})
    first.consumer.close()
    delete_before(settings, RESULTS, 2)
    second = member()
    with pytest.raises(OffsetsLost, match=r"\[0\]: 1 records were deleted"):
        second.wait_for_assignment(4)


def test_a_group_that_never_committed_warns_of_a_truncated_log(
    settings: Settings, member: Callable[[], Member], capsys: pytest.CaptureFixture[str]
) -> None:
    send(settings, [b"0", b"1", b"2"])
    delete_before(settings, RESULTS, 2)
    only = member()
    only.read(1)
    only.consumer.close()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "log_truncated" in line]
    assert "records_gone=2" in line


def test_offsets_deleted_under_a_reader_are_fatal(
    settings: Settings, member: Callable[[], Member]
) -> None:
    reader = member()
    reader.wait_for_assignment(4)
    partition = send(settings, [b"0"])
    reader.read(1)
    reader.consumer.pause(partition)
    send(settings, [b"1", b"2", b"3"])
    delete_before(settings, RESULTS, 3)
    reader.consumer.resume(partition)
    with pytest.raises(OffsetsLost, match=r"results\[0\]: 2 records were deleted"):
        reader.read(3)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[KafkaSettings]:
    """Settings of a broker that asks for a password."""
    listener, controller = processes.free_ports(0, 0)
    command = broker.argv(tmp_path, State(broker_port=listener, controller_port=controller))
    with Path(command[-1]).open("a") as properties:  # Java takes the last value of a repeated name
        properties.write(
            f"listeners=SASL_PLAINTEXT://{HOST}:{listener},CONTROLLER://{HOST}:{controller}\n"
            f"advertised.listeners=SASL_PLAINTEXT://{HOST}:{listener}\n"
            "inter.broker.listener.name=SASL_PLAINTEXT\n"
            "listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT\n"
            "sasl.enabled.mechanisms=PLAIN\n"
            "sasl.mechanism.inter.broker.protocol=PLAIN\n"
            "listener.name.sasl_plaintext.plain.sasl.jaas.config="
            "org.apache.kafka.common.security.plain.PlainLoginModule"
            ' required username="us" password="right" user_us="right";\n'
        )
    guard = stop_when_orphaned(tmp_path)
    process = processes.spawn(command, {}, tmp_path / "kafka.log", tmp_path)
    try:
        eventually(lambda: processes.is_listening(process, listener), what="the broker")
        yield KafkaSettings(
            bootstrap=f"{HOST}:{listener}",
            security_protocol="SASL_PLAINTEXT",
            sasl_username="us",
            start_timeout=60,
        )
    finally:
        processes.end([process], 20)
        guard.kill()


def test_a_wrong_password_is_fatal_at_the_start_and_the_right_one_connects(
    guarded: KafkaSettings,
) -> None:
    settings = Settings(kafka=guarded)
    assert Admin(changed(settings, sasl_password=SecretStr("right"))).cluster_id()
    with pytest.raises(CredentialsRefused, match="SEEDCAST_KAFKA_SASL_PASSWORD") as raised:
        Admin(changed(settings, sasl_password=SecretStr("hunter2"))).cluster_id()
    assert "hunter2" not in str(raised.value)
