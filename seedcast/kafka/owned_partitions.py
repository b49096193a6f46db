"""The partitions that a member of a group holds, from their assignment to their loss, and the commits of their offsets."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import structlog

from seedcast import metrics
from seedcast.errors import Retryable, SeedcastError
from seedcast.kafka import Committed, Offsets, Partition
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

SERVE = 0.1  # seconds in which a rebalance is served, between two looks at the last commit


class OffsetTracker(Protocol):
    """What is kept of a partition: a Ledger, or a Shelf."""

    def finish(self, offset: int) -> None: ...

    def checkpoint(self) -> tuple[int, str]: ...


B = TypeVar("B", bound=OffsetTracker)


@dataclass(eq=False)
class OwnedPartition(Generic[B]):
    """A partition for as long as it is ours. What finishes after that is dropped."""

    partition: Partition
    ledger: B
    committed: (
        tuple[int, str] | None
    )  # None: nothing yet, so that where it starts is committed, too
    ours: bool = True

    def finish(self, offset: int) -> None:
        if self.ours:
            self.ledger.finish(offset)


H = TypeVar("H", bound=OwnedPartition[Any])


class OwnedPartitions(ABC, Generic[H]):
    """The one place where the GPU consumer's offsets are committed. A checkpoint holds nothing that the broker has not acknowledged.

    In the loop a commit is asynchronous, and at most one is under way: the broker answers a member's requests in order, so in a rebalance it waits
    behind the request to join, which is answered when every member has joined; and one of them may be our own, that waits for `poll` (measured).

    When partitions leave, one synchronous commit of them is made, in the callback, when the joining is over; then none any more, since Kafka would
    take it. What is still under way then was asked for before, and comes before. None is made while the group is left.
    """

    def __init__(
        self,
        settings: Settings,
        group: str,
        topics: Sequence[str],
        flush: Callable[[], object],
        join: Callable[..., Any],
    ) -> None:
        """`flush`: waits for the delivery reports of what was published. `join`: a GroupConsumer, or what has its interface."""
        self._interval, self._flush = settings.gpu.commit_interval, flush
        self._group = settings.group(group)
        self._ours: dict[Partition, H] = {}
        self._commit_due = time.monotonic() + self._interval
        self._closing = False
        self._consumer = join(
            settings,
            self._group,
            topics,
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
            on_commit=self._noted,
        )

    def commit_when_due(self) -> None:
        if time.monotonic() >= self._commit_due:
            self.commit()

    def commit(self) -> bool:
        """Begins to commit what moved, if no commit is under way; whether nothing is left to. Raises SeedcastError."""
        self._commit_due = time.monotonic() + self._interval
        if moved := self._moved(self._ours):
            self._consumer.commit_soon(moved)
        return not moved

    def part(self) -> bool:
        """A round before `close`: serves a rebalance and commits; whether nothing is left to, or this cannot go on. What it reads, the next owner reads."""
        try:
            self._consumer.leaving()
            done = self.commit()
            for _ in self._consumer.poll(1, 0.0 if done else SERVE):
                pass
        except SeedcastError as error:
            log.warning(
                "last_commit_failed",
                group=self._group,
                problem=str(error),
                next="what was done since the last one is done again",
            )
            return True
        return done

    def close(self) -> None:
        """Leaves the group, without a commit."""
        self._closing = True
        self._consumer.close()

    @abstractmethod
    def _hold(self, partition: Partition, left: Committed) -> H:
        """A partition that is ours now, and what the last owner left of it."""

    def _drop(self, holding: H) -> None:
        """One that is ours no more."""

    def _moved(self, partitions: Iterable[Partition]) -> Offsets:
        """An idle partition is left alone."""
        held = [self._ours[partition] for partition in partitions if partition in self._ours]
        checkpoints = [(holding, holding.ledger.checkpoint()) for holding in held]
        return {
            holding.partition: checkpoint
            for holding, checkpoint in checkpoints
            if checkpoint != holding.committed
        }

    def _noted(self, offsets: Offsets, error: SeedcastError | None) -> None:
        """What became of a commit."""
        if error and not isinstance(error, Retryable):
            raise error
        if error:
            log.warning(
                "commit_failed",
                group=self._group,
                problem=str(error),
                next="tried again with the next commit",
            )
        metrics.COMMITS.labels("failed" if error else "ok").inc()
        for partition, checkpoint in offsets.items():
            if holding := self._ours.get(partition):
                holding.committed = checkpoint

    def _assigned(self, committed: dict[Partition, Committed]) -> None:
        self._ours |= {
            partition: self._hold(partition, left) for partition, left in committed.items()
        }

    def _revoked(self, partitions: Sequence[Partition]) -> None:
        """Commits these, and no others: another member's may be in the middle of the rebalance."""
        if self._closing:
            return
        self._flush()
        if moved := self._moved(partitions):
            try:
                self._consumer.commit(moved)
            except Retryable as error:
                self._noted({}, error)
            else:
                self._noted(moved, None)

    def _lost(self, partitions: Sequence[Partition]) -> None:
        """Forgets partitions without a commit: somebody else may own them already."""
        for partition in partitions:
            if holding := self._ours.pop(partition, None):
                holding.ours = False
                self._drop(holding)
