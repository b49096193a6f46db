"""The partitions that are ours: what is read from them, how far they may run ahead, and their commits."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from gpu_consumers.ledger import Ledger
from gpu_consumers.membership import Membership
from seedcast import metrics
from seedcast.errors import Retryable, SeedcastError
from seedcast.failpoints import failpoint
from seedcast.kafka import Committed, Partition, Record
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

GROUP = "gpu-consumers"
PARTING = 5.0  # seconds for a last commit
SETTLE = 1.0  # seconds in which a rebalance that is under way may end before it


@dataclass(eq=False)
class Assignment:
    """A partition for as long as it is ours. What finishes after that is dropped."""

    partition: Partition
    ledger: Ledger
    committed: tuple[int, str] | None  # None: nothing yet, so that where it starts is committed, too
    ours: bool = True
    paused: bool = False

    def finish(self, offset: int) -> None:
        if self.ours:
            self.ledger.finish(offset)


@dataclass(frozen=True)
class Callbacks:
    """What the worker does for us."""

    waiting: Callable[[Partition], int]  # how many requests of a partition wait for a slot
    flush: Callable[[], object]  # waits for the delivery reports of what was published
    forget: Callable[[Partition], None]  # drops what waits of a partition


class Assignments:
    def __init__(self, settings: Settings, topics: Sequence[str], callbacks: Callbacks, join: Callable[..., Membership] = Membership) -> None:
        self._gpu, self._callbacks = settings.gpu, callbacks
        self._ours: dict[Partition, Assignment] = {}
        self._commit_due = time.monotonic() + self._gpu.commit_interval
        self._consumer = join(settings, settings.group(GROUP), topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    def poll(self, limit: int, timeout: float) -> Iterator[tuple[Assignment, Record]]:
        """Records that are still to be done; waits only for the first. Raises Fatal errors."""
        for record in self._consumer.poll(limit, timeout):
            metrics.REQUESTS_TAKEN.inc()
            assignment = self._ours.get(record.partition)
            if assignment is None:  # fetched before it was revoked
                continue
            if assignment.ledger.take(record.offset):
                yield assignment, record
            else:
                metrics.REQUESTS_REPEATED.inc()
            self._press_back(assignment)

    def commit_when_due(self) -> None:
        if time.monotonic() >= self._commit_due:
            self.commit()

    def commit(self) -> bool:
        """Commits what moved; whether nothing is left to. The one place where the GPU consumer's offsets are committed, in this order:

        1. take each ledger's checkpoint, which holds nothing unacknowledged
        2. commit synchronously, so that no commit is outstanding at a revocation
        3. remember what was committed, so that an idle partition is left alone
        """
        self._commit_due = time.monotonic() + self._gpu.commit_interval
        checkpoints = {assignment.partition: assignment.ledger.checkpoint() for assignment in self._ours.values()}
        moved = {partition: checkpoint for partition, checkpoint in checkpoints.items() if checkpoint != self._ours[partition].committed}
        if not moved:
            return True
        failpoint("gpu.commit")
        try:
            self._consumer.commit(moved)
        except Retryable as error:
            metrics.COMMITS.labels("failed").inc()
            log.warning("commit_failed", problem=str(error), next="tried again with the next commit")
            return False
        failpoint("gpu.committed")
        metrics.COMMITS.labels("ok").inc()
        for partition, checkpoint in moved.items():
            self._ours[partition].committed = checkpoint
        return True

    def relieve(self) -> None:
        """Resumes what is well below its limits again."""
        for assignment in self._ours.values():
            room = self._callbacks.waiting(assignment.partition) <= self._gpu.buffer // 4 and assignment.ledger.span <= self._gpu.window // 2
            if assignment.paused and room:
                self._consumer.resume(assignment.partition)
                assignment.paused = False
                metrics.PARTITIONS_PAUSED.dec()

    def close(self) -> None:
        """Leaves the group; what was published is waited for and committed first. A rebalance that is under way ends before: in it no commit is taken.

        It would wait behind the request to join, which the broker answers when every member has asked; and one of them may be our own, that waits for
        its callback in `poll` (measured: both wait until the session of polling ends).
        """
        with suppress(SeedcastError):  # whatever failed: leave
            began = time.monotonic()
            while time.monotonic() < began + SETTLE or (not self.commit() and time.monotonic() < began + PARTING):
                for _ in self._consumer.poll(1, 0.1):  # serves the rebalance; what is read now is read again by the next owner
                    pass
        self._consumer.close()

    def _press_back(self, assignment: Assignment) -> None:
        """Pausing empties librdkafka's prefetch queue, so it is rare: at the limit, until well below it."""
        full = self._callbacks.waiting(assignment.partition) >= self._gpu.buffer or assignment.ledger.span >= self._gpu.window
        if full and not assignment.paused:
            self._consumer.pause(assignment.partition)
            assignment.paused = True
            metrics.PARTITIONS_PAUSED.inc()

    def _assigned(self, committed: dict[Partition, Committed]) -> None:
        for partition, left in committed.items():
            self._ours[partition] = Assignment(partition, Ledger(left.start or 0, left.metadata), committed=left.held)
        failpoint("gpu.assigned")
        log.info("assigned", partitions=_names(committed))

    def _revoked(self, _: Sequence[Partition]) -> None:
        failpoint("gpu.revoked")
        self._callbacks.flush()
        self.commit()

    def _lost(self, partitions: Sequence[Partition]) -> None:
        """Forgets partitions without a commit: somebody else may own them already."""
        for partition in partitions:
            self._callbacks.forget(partition)
            if assignment := self._ours.pop(partition, None):
                assignment.ours = False
                metrics.PARTITIONS_PAUSED.dec(assignment.paused)
        log.info("revoked", partitions=_names(partitions))


def _names(partitions: Sequence[Partition] | dict[Partition, Committed]) -> list[str]:
    return [f"{p.topic}[{p.number}]" for p in partitions]
