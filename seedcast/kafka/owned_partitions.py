"""The partitions that a group member owns, and the commits of their offsets."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import structlog

from seedcast import metrics
from seedcast.errors import Retryable, SeedcastError
from seedcast.kafka.group_consumer import Offsets
from seedcast.kafka.records import Partition
from seedcast.kafka.start_offsets import Committed
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

SERVE = 0.1  # seconds in which a rebalance is served, between two looks at the last commit


class OffsetTracker(Protocol):
    """The finished offsets of a partition: a Ledger of requests."""

    def finish(self, offset: int) -> None: ...

    def checkpoint(self) -> tuple[int, str]:
        """Return the offset and the metadata to commit."""


T = TypeVar("T", bound=OffsetTracker)


@dataclass(eq=False)
class OwnedPartition(Generic[T]):
    """An assigned partition. Once it is lost, `finish` does nothing."""

    partition: Partition
    tracker: T
    committed: tuple[int, str] | None  # None: nothing yet, so commit the start
    owned: bool = True

    def finish(self, offset: int) -> None:
        if self.owned:
            self.tracker.finish(offset)


P = TypeVar("P", bound=OwnedPartition[Any])


class OwnedPartitions(ABC, Generic[P]):
    """The one place where a worker's offsets are committed.

    An offset is finished, and so committed, only once the broker has acknowledged its output: the
    caller calls `finish` from the delivery report.

    In the worker's loop a commit is asynchronous, at most one at a time. A synchronous commit
    there can deadlock: during a rebalance it is answered only after every member has joined, and
    the worker's other consumer joins only when this thread polls it (measured).

    When partitions are revoked, one synchronous commit of exactly those is made in the callback,
    after the joining is over. No commit may follow it: Kafka would accept one, although another
    member may own the partition by then. An asynchronous commit still under way was sent earlier,
    so Kafka applies it earlier. `close` commits nothing.
    """

    def __init__(
        self,
        settings: Settings,
        group: str,
        topics: Sequence[str],
        flush: Callable[[], object],
        join: Callable[..., Any],
        on_failpoint: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Join the group.

        `flush` waits for the delivery reports of what was published. `join` creates the consumer: a
        GroupConsumer, or a class with its interface. `on_failpoint` is called with "assigned",
        "commit" (about to commit), "committed" or "revoked".
        """
        self._interval, self._flush = settings.gpu.commit_interval, flush
        self._group, self._on_failpoint = settings.group(group), on_failpoint
        self._owned: dict[Partition, P] = {}
        self._commit_due = time.monotonic() + self._interval
        self._closing = False
        self._consumer = join(
            settings,
            self._group,
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
                group=self._group,
                problem=str(error),
                next="work done since the last commit is done again",
            )
            return True
        return done

    def close(self) -> None:
        """Leave the group, without a commit."""
        self._closing = True
        self._consumer.close()

    @abstractmethod
    def _own(self, partition: Partition, committed: Committed) -> P:
        """Return the state of a newly assigned partition, from what its last owner committed."""

    def _disown(self, partition: P) -> None:
        """Drop what a subclass keeps for a partition that was lost."""

    def _moved(self, partitions: Iterable[Partition]) -> Offsets:
        """Return, of these partitions, the checkpoints that differ from the committed ones."""
        owned = [self._owned[partition] for partition in partitions if partition in self._owned]
        checkpoints = [(each, each.tracker.checkpoint()) for each in owned]
        moved = {each.partition: found for each, found in checkpoints if found != each.committed}
        if moved:
            self._on_failpoint("commit")
        return moved

    def _on_commit(self, offsets: Offsets, error: SeedcastError | None) -> None:
        if offsets:
            self._on_failpoint("committed")
        if error and not isinstance(error, Retryable):
            raise error
        if error:
            log.warning(
                "commit_failed",
                group=self._group,
                problem=str(error),
                next="the next commit covers it",
            )
        metrics.COMMITS.labels("failed" if error else "ok").inc()
        for partition, checkpoint in offsets.items():
            if owned := self._owned.get(partition):
                owned.committed = checkpoint

    def _on_assign(self, committed: dict[Partition, Committed]) -> None:
        self._owned |= {partition: self._own(partition, c) for partition, c in committed.items()}
        self._on_failpoint("assigned")

    def _on_revoke(self, partitions: Sequence[Partition]) -> None:
        """Commit these partitions and no others: another consumer may be in mid-rebalance."""
        self._on_failpoint("revoked")
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
