"""The ledger and its assignments as a consumer group uses them.

Several workers, crashes, zombies and late completions, in any order.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest
import structlog
from hypothesis import Phase
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from seedcast.errors import BrokerUnavailable
from seedcast.gpu_consumers.assignments import Assignments, Callbacks
from seedcast.gpu_consumers.ledger import Ledger
from seedcast.gpu_consumers.owned_partitions import Assignment
from seedcast.kafka import Committed, Offsets, Partition, Record, offset_bitmap
from seedcast.settings import GpuSettings, Settings

SETTINGS = Settings(gpu=GpuSettings(window=16))  # small enough to be reached
PARTITIONS = [Partition("requests", number) for number in range(2)]
WORKERS = 2


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """Thousands of rebalances need no log."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def exists(offset: int) -> bool:
    """Return True if the log has this offset: compaction and transactions leave such holes."""
    return offset % 7 not in (3, 4)


def done(committed: tuple[int, str]) -> set[int]:
    """Return the existing offsets that a new owner would skip."""
    return {
        offset
        for offset in (*range(committed[0]), *offset_bitmap.decode(*committed))
        if exists(offset)
    }


class Group:
    """The broker's side of the group.

    Kafka takes a late commit from a member that gave a partition up (measured); the model forbids
    such a commit.
    """

    def __init__(self) -> None:
        self.ends = dict.fromkeys(PARTITIONS, 0)
        self.committed: dict[Partition, tuple[int, str]] = {}
        self.owners: dict[Partition, Member] = {}

    def committed_of(self, partition: Partition) -> Committed:
        offset, metadata = self.committed.get(partition, (None, ""))
        return Committed(offset, metadata)

    def commit(self, member: "Member", generation: int, offsets: Offsets) -> None:
        if member.expelled or generation != member.generation:
            raise BrokerUnavailable("unknown member, or an earlier generation of it")
        for partition, checkpoint in offsets.items():
            assert self.owners.get(partition) is member, (
                "a commit for a partition that another member owns"
            )
            before = self.committed.get(partition, (0, ""))
            assert done(before) <= done(checkpoint), "a commit forgot what was done"
            self.committed[partition] = checkpoint


class Member:
    """Stands for GroupConsumer."""

    def __init__(self, group: Group, *_: object, **callbacks: Callable[..., None]) -> None:
        self.group = group
        self.on_assign, self.on_revoke, self.on_lost, self.on_commit = (
            callbacks[f"on_{what}"] for what in ("assign", "revoke", "lost", "commit")
        )
        self.positions: dict[Partition, int] = {}
        self.paused: set[Partition] = set()
        self.expelled = False
        self.generation = 0
        self.pending: tuple[int, Offsets] | None = None  # a commit that the broker has not answered
        self.answers: list[tuple[Offsets, BrokerUnavailable | None]] = []  # until the next poll
        self.leaving: Sequence[Partition] = ()
        self.pause, self.resume = self.paused.add, self.paused.discard

    def commit_sync(self, offsets: Offsets) -> None:
        assert offsets.keys() <= set(self.leaving), (
            "a synchronous commit of what does not leave, which a rebalance may block for ever"
        )
        self.group.commit(self, self.generation, offsets)

    def commit_async(self, offsets: Offsets) -> None:
        if not self.answers:  # for the caller, an answer that no poll has reported is pending, too
            self.pending = self.pending or (self.generation, offsets)

    def answer(self) -> None:
        """Let the broker answer the pending commit."""
        if not self.pending:
            return
        (generation, offsets), self.pending = self.pending, None
        try:
            self.group.commit(self, generation, offsets)
        except BrokerUnavailable as error:
            self.answers.append(({}, error))
        else:
            self.answers.append((offsets, None))

    def report_answers(self) -> None:
        answers, self.answers = self.answers, []
        for committed, error in answers:
            self.on_commit(committed, error)

    def poll(self, limit: int, _: float) -> Iterator[Record]:
        self.report_answers()
        for partition in sorted(self.positions):
            while (
                limit
                and partition not in self.paused
                and self.positions[partition] < self.group.ends[partition]
            ):
                offset = self.positions[partition]
                self.positions[partition] += 1
                if exists(offset):
                    limit -= 1
                    yield Record(partition, offset, None, b"", (), 0)

    def assign(self, partition: Partition) -> None:
        committed = self.group.committed_of(partition)
        self.group.owners[partition] = self
        self.on_assign({partition: committed})
        self.positions[partition] = committed.offset or 0

    def hand_over(self, partitions: Sequence[Partition]) -> None:
        self.leaving = partitions
        self.on_revoke(partitions)
        self.leaving = ()
        self.give_up(partitions)

    def give_up(self, partitions: Sequence[Partition]) -> None:
        self.on_lost(partitions)
        for partition in partitions:
            self.positions.pop(partition)
            self.paused.discard(partition)


class Worker:
    """What stands around Assignments: requests in slots, and audio on its way to the broker."""

    def __init__(
        self, group: Group, acknowledged: dict[Partition, set[int]], kind: type[Assignments]
    ) -> None:
        self.in_slots: list[tuple[Assignment, int]] = []
        self.sent: list[tuple[Assignment, int]] = []
        self.acknowledged = acknowledged
        # The offsets acknowledged to it since it owns the partition.
        self.known: dict[Partition, set[int]] = defaultdict(set)
        callbacks = Callbacks(waiting=lambda _: 0, flush=self.deliver_all, forget=lambda _: None)

        def join(*arguments: Any, **named: Any) -> Any:
            self.member = Member(group, *arguments, **named)
            return self.member

        self.assignments = kind(SETTINGS, [], callbacks, join)

    def take(self, limit: int) -> None:
        for assignment, record in self.assignments.poll(limit, 0.0):
            if not self.member.expelled:
                assert record.offset not in done(
                    self.member.group.committed.get(record.partition, (0, ""))
                ), "finished work was forgotten"
            self.in_slots.append((assignment, record.offset))

    def send(self, index: int) -> None:
        """Finish a request; its audio is dropped if the worker has lost the partition."""
        assignment, offset = self.in_slots.pop(index % len(self.in_slots))
        if assignment.owned:
            self.sent.append((assignment, offset))

    def deliver(self, index: int) -> None:
        assignment, offset = self.sent.pop(index % len(self.sent))
        self.acknowledged[assignment.partition].add(offset)
        assignment.finish(offset)
        if assignment.owned:
            self.known[assignment.partition].add(offset)

    def deliver_all(self) -> None:
        while self.sent:
            self.deliver(0)


workers = st.integers(0, WORKERS - 1)
partitions = st.sampled_from(PARTITIONS)
indices = st.lists(st.integers(0, 30), min_size=1, max_size=8)  # modulo the length of the list


class Model(RuleBasedStateMachine):
    """What the outside world sees: the offsets whose audio is acknowledged, and the commits."""

    kind: type[Assignments] = Assignments

    @initialize()
    def begin(self) -> None:
        self.group = Group()
        self.acknowledged: dict[Partition, set[int]] = {
            partition: set() for partition in PARTITIONS
        }
        self.workers = [self.worker() for _ in range(WORKERS)]

    def worker(self) -> Worker:
        return Worker(self.group, self.acknowledged, self.kind)

    @rule(partition=partitions, count=st.integers(1, 12))
    def produce(self, partition: Partition, count: int) -> None:
        self.group.ends[partition] += count

    @rule(partition=partitions, to=workers, held_up=st.booleans())
    def move(self, partition: Partition, to: int, held_up: bool) -> None:
        """A cooperative rebalance: the old owner revokes before the new one is assigned.

        If `held_up`, commits queue behind a request to join, which waits until all have joined.
        """
        member, owner = self.workers[to].member, self.group.owners.get(partition)
        if member.expelled or owner is member:
            return
        for other in (worker.member for worker in self.workers if not worker.member.expelled):
            if not held_up:
                other.answer()
            other.generation += 1
        if owner:
            owner.hand_over([partition])
            known = next(worker.known for worker in self.workers if worker.member is owner)
            assert known[partition] <= done(self.group.committed.get(partition, (0, ""))), (
                "a hand-over forgot finished work"
            )
        self.workers[to].known[partition] = set()
        member.assign(partition)

    @rule(worker=workers)
    def expel(self, worker: int) -> None:
        """End its session without its knowledge, which makes it a zombie."""
        member = self.workers[worker].member
        member.expelled = True
        self.group.owners = {
            partition: owner
            for partition, owner in self.group.owners.items()
            if owner is not member
        }

    @precondition(lambda self: any(worker.member.expelled for worker in self.workers))
    @rule()
    def notice(self) -> None:
        for member in (worker.member for worker in self.workers if worker.member.expelled):
            member.give_up(list(member.positions))
            member.generation += 1
            member.expelled = False

    @rule(worker=workers, delivered=st.integers(0, 30), committed=st.booleans())
    def crash(self, worker: int, delivered: int, committed: bool) -> None:
        """End a worker; the broker may have any part of what it sent."""
        if committed:
            self.workers[worker].member.answer()
        self.expel(worker)
        for assignment, offset in self.workers[worker].sent[:delivered]:
            self.acknowledged[assignment.partition].add(offset)
        self.workers[worker] = self.worker()

    @rule(worker=workers, limit=st.integers(1, 10))
    def take(self, worker: int, limit: int) -> None:
        self.workers[worker].take(limit)

    @rule(worker=workers, finished=indices)
    def finish(self, worker: int, finished: list[int]) -> None:
        for index in finished[: len(self.workers[worker].in_slots)]:
            self.workers[worker].send(index)

    @rule(worker=workers, delivered=indices)
    def acknowledge(self, worker: int, delivered: list[int]) -> None:
        for index in delivered[: len(self.workers[worker].sent)]:
            self.workers[worker].deliver(index)

    @rule(worker=workers, limit=st.integers(1, 10), finished=indices)
    def work(self, worker: int, limit: int, finished: list[int]) -> None:
        """Take, finish and acknowledge in one step; only some of what was taken is acknowledged."""
        self.take(worker, limit)
        self.finish(worker, finished)
        self.workers[worker].deliver_all()

    @rule(worker=workers)
    def commit(self, worker: int) -> None:
        self.workers[worker].assignments.commit()

    @rule(worker=workers)
    def answer(self, worker: int) -> None:
        self.workers[worker].member.answer()

    @rule(worker=workers)
    def unthrottle(self, worker: int) -> None:
        self.workers[worker].assignments.unthrottle()

    @invariant()
    def no_unfinished_offset_is_committed_as_done(self) -> None:
        for partition, committed in getattr(self, "group", Group()).committed.items():
            assert done(committed) <= self.acknowledged[partition], (
                "an unfinished offset is committed as done"
            )

    @invariant()
    def no_partition_has_more_requests_in_slots_than_its_window(self) -> None:
        for worker in getattr(self, "workers", ()):
            counts = Counter(id(assignment) for assignment, _ in worker.in_slots)
            assert all(count <= SETTINGS.gpu.window for count in counts.values())

    def teardown(self) -> None:
        """Every request finishes, even if one new worker replaces all the others."""
        if not hasattr(self, "workers"):
            return
        for number in range(WORKERS):
            self.crash(number, delivered=0, committed=False)
        last = self.workers[0]
        for partition in PARTITIONS:
            last.member.assign(partition)
        while not self.finished():
            before = (self.group.committed.copy(), len(last.in_slots))
            last.take(5)
            while last.in_slots:
                last.send(0)
            last.deliver_all()
            last.assignments.commit()
            last.member.answer()
            last.member.report_answers()
            last.assignments.unthrottle()
            assert before != (self.group.committed, 0) or self.finished(), "no progress"

    def finished(self) -> bool:
        wanted = {
            partition: {offset for offset in range(end) if exists(offset)}
            for partition, end in self.group.ends.items()
        }
        return all(
            wanted[partition]
            <= done(self.group.committed.get(partition, (0, ""))) & self.acknowledged[partition]
            for partition in PARTITIONS
        )


TestModel = Model.TestCase
TestModel.settings = examples(max_examples=200, stateful_step_count=40, deadline=None)


class HighestSeen(Ledger):
    """The fault of confluentinc/parallel-consumer #826."""

    def checkpoint(self) -> tuple[int, str]:
        return self._position, ""


class WithoutBitmap(Ledger):
    def checkpoint(self) -> tuple[int, str]:
        return self.watermark, ""


def with_ledger(kind: type[Ledger]) -> type[Assignments]:
    class Broken(Assignments):
        def _own(self, partition: Partition, committed: Committed) -> Assignment:
            return Assignment(
                partition, kind(committed.offset or 0, committed.metadata), committed.checkpoint
            )

    return Broken


class CommitsAfterwards(Assignments):
    """The last commit comes when another member already owns the partition."""

    def _on_lost(self, partitions: Sequence[Partition]) -> None:
        self._after = {
            partition: self._owned[partition].ledger.checkpoint()
            for partition in partitions
            if partition in self._owned
        }
        super()._on_lost(partitions)

    def commit(self) -> bool:
        if late := getattr(self, "_after", None):
            self._consumer.commit_async(late)
        return super().commit()


class CommitsAllWhenOneLeaves(Assignments):
    def _moved(self, _: Iterable[Partition]) -> Offsets:
        return super()._moved(self._owned)


class CommitsInTheLoop(Assignments):
    def commit(self) -> bool:
        if moved := self._moved(self._owned):
            self._consumer.commit_sync(moved)
        return not moved


BROKEN = {
    "highest seen": with_ledger(HighestSeen),
    "no bitmap": with_ledger(WithoutBitmap),
    "late commit": CommitsAfterwards,
    "too many at a revocation": CommitsAllWhenOneLeaves,
    "synchronous in the loop": CommitsInTheLoop,
}
WITHOUT_SHRINKING = examples(
    max_examples=5000,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
)


@pytest.mark.slow
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_the_model_fails_when_the_protocol_is_broken(broken: type[Assignments]) -> None:
    class BrokenModel(Model):
        kind = broken

    with pytest.raises(
        AssertionError, match=r"unfinished|forgot|another member owns|does not leave|no progress"
    ):
        run_state_machine_as_test(BrokenModel, settings=WITHOUT_SHRINKING)


def test_the_bitmap_is_wider_than_the_window_of_the_model() -> None:
    assert SETTINGS.gpu.window < offset_bitmap.MAX_BITS
