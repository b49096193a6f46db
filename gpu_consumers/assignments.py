"""The requests' partitions that this worker owns, and how far reading runs ahead in each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from seedcast import metrics
from seedcast.failpoints import failpoint
from seedcast.gpu_consumers.ledger import Ledger
from seedcast.kafka import Committed, Partition, Record
from seedcast.kafka.owned_partitions import OwnedPartition, OwnedPartitions
from seedcast.kafka.topic_consumers import TopicConsumers
from seedcast.schemas.topics import GPU_CONSUMERS
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

_FAILPOINTS: dict[str, Callable[[], None]] = {
    "assigned": lambda: failpoint("gpu.assigned"),
    "commit": lambda: failpoint("gpu.commit"),
    "committed": lambda: failpoint("gpu.committed"),
    "revoked": lambda: failpoint("gpu.revoked"),
}


@dataclass(eq=False)
class Assignment(OwnedPartition[Ledger]):
    throttled: bool = False  # by back-pressure: not read until there is room again


@dataclass(frozen=True)
class Callbacks:
    """What the worker does for its partitions."""

    waiting: Callable[[Partition], int]  # counts the requests of a partition that wait for a slot
    flush: Callable[[], object]  # waits for the delivery reports of what was published
    forget: Callable[[Partition], None]  # drops the requests of a partition that wait


class Assignments(OwnedPartitions[Assignment]):
    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str],
        callbacks: Callbacks,
        join: Callable[..., TopicConsumers] = TopicConsumers,
    ) -> None:
        self._gpu, self._callbacks = settings.gpu, callbacks
        super().__init__(
            settings,
            GPU_CONSUMERS.name,
            topics,
            callbacks.flush,
            join,
            on_failpoint=lambda edge: _FAILPOINTS[edge](),
        )

    def poll(self, limit: int, timeout: float) -> Iterator[tuple[Assignment, Record]]:
        """Yield records that are not done yet; wait only for the first. Raises Fatal errors."""
        for record in self._consumer.poll(limit, timeout):
            metrics.REQUESTS_TAKEN.inc()
            assignment = self._owned.get(record.partition)
            if assignment is None:  # fetched before it was revoked
                continue
            if assignment.tracker.take(record.offset):
                yield assignment, record
            else:
                metrics.REQUESTS_REPEATED.inc()
            self._throttle(assignment)

    def unthrottle(self) -> None:
        """Resume the throttled partitions that are well below their limits again."""
        for assignment in self._owned.values():
            if assignment.throttled and self._has_room(assignment):
                self._consumer.resume(assignment.partition)
                assignment.throttled = False
                metrics.PARTITIONS_PAUSED.dec()

    def _throttle(self, assignment: Assignment) -> None:
        """Throttle a partition at its limit, and keep it so until it is well below.

        Pausing empties librdkafka's prefetch queue, so it must be rare.
        """
        if self._is_full(assignment) and not assignment.throttled:
            self._consumer.pause(assignment.partition)
            assignment.throttled = True
            metrics.PARTITIONS_PAUSED.inc()

    def _is_full(self, assignment: Assignment) -> bool:
        waiting = self._callbacks.waiting(assignment.partition)
        return waiting >= self._gpu.buffer or assignment.tracker.span >= self._gpu.window

    def _has_room(self, assignment: Assignment) -> bool:
        waiting = self._callbacks.waiting(assignment.partition)
        return waiting <= self._gpu.buffer // 4 and assignment.tracker.span <= self._gpu.window // 2

    def _own(self, partition: Partition, committed: Committed) -> Assignment:
        ledger = Ledger(committed.start or 0, committed.metadata)
        return Assignment(partition, ledger, committed.checkpoint)

    def _disown(self, partition: Assignment) -> None:
        self._callbacks.forget(partition.partition)
        metrics.PARTITIONS_PAUSED.dec(partition.throttled)

    def _on_assign(self, committed: dict[Partition, Committed]) -> None:
        super()._on_assign(committed)
        log.info("assigned", partitions=_names(committed))

    def _on_lost(self, partitions: Sequence[Partition]) -> None:
        super()._on_lost(partitions)
        log.info("revoked", partitions=_names(partitions))


def _names(partitions: Iterable[Partition]) -> list[str]:
    return [f"{p.topic}[{p.number}]" for p in partitions]
