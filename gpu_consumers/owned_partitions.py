"""The requests' partitions that this worker owns, and the commits of their offsets."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from seedcast import metrics
from seedcast.errors import Retryable, SeedcastError
from seedcast.failpoints import failpoint
from seedcast.gpu_consumers.ledger import Ledger
from seedcast.kafka import Committed, Offsets, Partition
from seedcast.kafka.topic_consumers import TopicConsumers
from seedcast.schemas.topics import GPU_CONSUMERS
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

SERVE = 0.1  # seconds in which a rebalance is served, between two looks at the last commit


@dataclass(eq=False)
class Assignment:
    """An assigned partition. Once it is lost, `finish` does nothing."""

    partition: Partition
    ledger: Ledger
    committed: tuple[int, str] | None  # None: nothing yet, so commit the start
    owned: bool = True
    throttled: bool = False  # by back-pressure: not read until there is room again

    def finish(self, offset: int) -> None:
        if self.owned:
            self.ledger.finish(offset)


class OwnedPartitions:
    """The one place where a worker's offsets are committed.

    An offset is finished, and so committed, only once the broker has acknowledged its output: the
    caller calls `finish` from the delivery report.

    In the worker's loop a commit is asynchronous, at most one at a time. A synchronous commit
    there can deadlock: during a rebalance it is answered only after every member has joined, and
    the worker's member for the other topic joins only when this thread polls it (measured).

    When partitions are revoked, one synchronous commit of exactly those is made in the callback,
    after the joining is over. No commit may follow it: Kafka would accept one, although another
    member may own the partition by then. An asynchronous commit still under way was sent earlier,
    so Kafka applies it earlier. `close` commits nothing.
    """

    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str],
        flush: Callable[[], object],
        join: Callable[..., TopicConsumers],
    ) -> None:
        """Join the group.

        `flush` waits for the delivery reports of what was published. `join` creates the consumer.
        """
        self._interval, self._flush = settings.gpu.commit_interval, flush
        self._owned: dict[Partition, Assignment] = {}
        self._commit_due = time.monotonic() + self._interval
        self._closing = False
        self._consumer = join(
            settings,
            settings.group(GPU_CONSUMERS.name),
            topics,
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
            on_commit=self._on_commit,
        )

    def commit_when_due(self) -> None:
        if time.monotonic() >= self._commit_due:
            self.commit()

    def commit(self) -> bool:
        """Start an asynchronous commit of the changed checkpoints, unless one is in flight.

        Returns True if nothing is left to commit.
        """
        self._commit_due = time.monotonic() + self._interval
        if moved := self._moved(self._owned):
            self._consumer.commit_async(moved)
        return not moved

    def leave_round(self) -> bool:
        """Serve a rebalance and commit, once, before `close`.

        Returns True if nothing is left to commit, or if no commit is possible any more. Records
        read here are dropped: the next owner reads them.
        """
        try:
            self._consumer.stop_taking_over()
            done = self.commit()
            for _ in self._consumer.poll(1, 0.0 if done else SERVE):
                pass
        except SeedcastError as error:
            log.warning(
                "last_commit_failed",
                problem=str(error),
                next="work done since the last commit is done again",
            )
            return True
        return done

    def close(self) -> None:
        """Leave the group, without a commit."""
        self._closing = True
        self._consumer.close()

    def _own(self, partition: Partition, committed: Committed) -> Assignment:
        """Return a newly assigned partition, with what its last owner committed."""
        ledger = Ledger(committed.start or 0, committed.metadata)
        return Assignment(partition, ledger, committed.checkpoint)

    def _disown(self, assignment: Assignment) -> None:
        """Drop what a subclass keeps for a partition that was lost."""

    def _moved(self, partitions: Iterable[Partition]) -> Offsets:
        """Return, of these partitions, the checkpoints that differ from the committed ones."""
        owned = [self._owned[partition] for partition in partitions if partition in self._owned]
        checkpoints = [(each, each.ledger.checkpoint()) for each in owned]
        moved = {each.partition: found for each, found in checkpoints if found != each.committed}
        if moved:
            failpoint("gpu.commit")
        return moved

    def _on_commit(self, offsets: Offsets, error: SeedcastError | None) -> None:
        if offsets:
            failpoint("gpu.committed")
        if error and not isinstance(error, Retryable):
            raise error
        if error:
            log.warning(
                "commit_failed",
                problem=str(error),
                next="the next commit covers it",
            )
        metrics.COMMITS.labels("failed" if error else "ok").inc()
        for partition, checkpoint in offsets.items():
            if owned := self._owned.get(partition):
                owned.committed = checkpoint

    def _on_assign(self, committed: dict[Partition, Committed]) -> None:
        self._owned |= {partition: self._own(partition, c) for partition, c in committed.items()}
        failpoint("gpu.assigned")
        log.info("assigned", partitions=_names(committed))

    def _on_revoke(self, partitions: Sequence[Partition]) -> None:
        """Commit these partitions and no others: another consumer may be in mid-rebalance."""
        failpoint("gpu.revoked")
        if self._closing:
            return
        self._flush()
        if moved := self._moved(partitions):
            try:
                self._consumer.commit_sync(moved)
            except Retryable as error:
                self._on_commit({}, error)
            else:
                self._on_commit(moved, None)

    def _on_lost(self, partitions: Sequence[Partition]) -> None:
        """Forget partitions without a commit: another member may own them already."""
        for partition in partitions:
            if owned := self._owned.pop(partition, None):
                owned.owned = False
                self._disown(owned)
        log.info("revoked", partitions=_names(partitions))


def _names(partitions: Iterable[Partition]) -> list[str]:
    return [f"{p.topic}[{p.number}]" for p in partitions]
