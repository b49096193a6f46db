"""A member for each topic: urgent records first, and no topic's trouble becomes another's."""

from collections.abc import Iterator
from typing import Any

import pytest

from gpu_consumers.membership import Membership
from seedcast.errors import BrokerUnavailable
from seedcast.kafka import Partition, Record
from seedcast.settings import Settings

URGENT, BULK = Partition("urgent", 0), Partition("bulk", 0)


class Member:
    def __init__(self, settings: Settings, group: str, topics: list[str], **_: object) -> None:
        (self.topic,) = topics
        self.records: list[Record] = []
        self.waits: list[float] = []
        self.committed: list[Any] = []
        self.paused: list[Partition] = []
        self.failure: BrokerUnavailable | None = None

    def poll(self, limit: int, timeout: float) -> Iterator[Record]:
        self.waits.append(timeout)
        taken, self.records = self.records[:limit], self.records[limit:]
        yield from taken

    def commit(self, offsets: dict[Partition, tuple[int, str]]) -> None:
        if self.failure:
            raise self.failure
        self.committed.append(offsets)

    def pause(self, partition: Partition) -> None:
        self.paused.append(partition)


def a_membership() -> tuple[Membership, Member, Member]:
    made: list[Member] = []

    def join(*arguments: Any, **named: Any) -> Any:
        made.append(Member(*arguments, **named))
        return made[-1]

    found = Membership(Settings(), "group", ["urgent", "bulk"], on_assign=lambda _: None, on_revoke=lambda _: None, on_lost=lambda _: None, join=join)
    return found, made[0], made[1]


def records(partition: Partition, count: int) -> list[Record]:
    return [Record(partition, offset, None, b"", (), 0) for offset in range(count)]


def test_urgent_records_come_first_and_only_an_idle_worker_waits() -> None:
    both, urgent, bulk = a_membership()
    urgent.records, bulk.records = records(URGENT, 3), records(BULK, 9)
    assert [record.partition.topic for record in both.poll(5, 0.1)] == ["urgent"] * 3 + ["bulk"] * 2
    assert (urgent.waits, bulk.waits) == ([0.05], [0.0])
    urgent.records = records(URGENT, 5)
    assert [record.partition.topic for record in both.poll(5)] == ["urgent"] * 5 + ["bulk"], "who is never asked loses its partitions"


def test_a_commit_that_fails_for_one_topic_is_made_for_the_other() -> None:
    both, urgent, bulk = a_membership()
    urgent.failure = BrokerUnavailable("rebalance in progress")
    with pytest.raises(BrokerUnavailable):
        both.commit({URGENT: (1, ""), BULK: (2, "")})
    assert bulk.committed == [{BULK: (2, "")}]


def test_each_partition_is_paused_by_its_own_member() -> None:
    both, urgent, bulk = a_membership()
    both.pause(BULK)
    assert (urgent.paused, bulk.paused) == ([], [BULK])
