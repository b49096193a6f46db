"""One member per topic: urgent records first, and no topic holds up another."""

from collections.abc import Iterator
from typing import Any

from seedcast.kafka import Partition, Record
from seedcast.kafka.topic_consumers import TopicConsumers
from seedcast.settings import Settings

URGENT, BULK = Partition("urgent", 0), Partition("bulk", 0)


class Member:
    def __init__(self, settings: Settings, group: str, topics: list[str], **_: object) -> None:
        (self.topic,) = topics
        self.records: list[Record] = []
        self.waits: list[float] = []
        self.committed: list[Any] = []
        self.paused: list[Partition] = []
        self.begun: list[Any] = []
        self.commit_sync, self.commit_async = self.committed.append, self.begun.append

    def poll(self, limit: int, timeout: float) -> Iterator[Record]:
        self.waits.append(timeout)
        taken, self.records = self.records[:limit], self.records[limit:]
        yield from taken

    def pause(self, partition: Partition) -> None:
        self.paused.append(partition)


def a_membership() -> tuple[TopicConsumers, Member, Member]:
    made: list[Member] = []

    def join(*arguments: Any, **named: Any) -> Any:
        made.append(Member(*arguments, **named))
        return made[-1]

    callbacks: Any = dict.fromkeys(("on_assign", "on_revoke", "on_lost", "on_commit"), print)
    found = TopicConsumers(Settings(), "group", ["urgent", "bulk"], **callbacks, join=join)
    return found, made[0], made[1]


def records(partition: Partition, count: int) -> list[Record]:
    return [Record(partition, offset, None, b"", (), 0) for offset in range(count)]


def test_urgent_records_come_first_and_only_an_idle_worker_waits() -> None:
    both, urgent, bulk = a_membership()
    urgent.records, bulk.records = records(URGENT, 3), records(BULK, 9)
    assert [record.partition.topic for record in both.poll(5, 0.1)] == ["urgent"] * 3 + ["bulk"] * 2
    assert (urgent.waits, bulk.waits) == ([0.05], [0.0])
    urgent.records = records(URGENT, 5)
    assert [record.partition.topic for record in both.poll(5)] == ["urgent"] * 5 + ["bulk"], (
        "who is never asked loses its partitions"
    )


def test_each_topic_is_committed_by_its_own_member_without_waiting_for_the_other() -> None:
    both, urgent, bulk = a_membership()
    both.commit_async({URGENT: (1, ""), BULK: (2, "")})
    assert (urgent.begun, bulk.begun) == ([{URGENT: (1, "")}], [{BULK: (2, "")}])
    both.commit_sync({BULK: (3, "")})
    assert (urgent.committed, bulk.committed) == ([], [{BULK: (3, "")}])


def test_each_partition_is_paused_by_its_own_member() -> None:
    both, urgent, bulk = a_membership()
    both.pause(BULK)
    assert (urgent.paused, bulk.paused) == ([], [BULK])
