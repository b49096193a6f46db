"""How far reading runs ahead in the partitions that this worker owns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from seedcast import metrics
from seedcast.gpu_consumers.owned_partitions import Assignment, OwnedPartitions
from seedcast.kafka import Partition, Record
from seedcast.kafka.topic_consumers import TopicConsumers
from seedcast.settings import Settings


@dataclass(frozen=True)
class Callbacks:
    """What the worker does for its partitions."""

    waiting: Callable[[Partition], int]  # counts the requests of a partition that wait for a slot
    flush: Callable[[], object]  # waits for the delivery reports of what was published
    forget: Callable[[Partition], None]  # drops the requests of a partition that wait


class Assignments(OwnedPartitions):
    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str],
        callbacks: Callbacks,
        join: Callable[..., TopicConsumers] = TopicConsumers,
    ) -> None:
        self._gpu, self._callbacks = settings.gpu, callbacks
        super().__init__(settings, topics, callbacks.flush, join)

    def poll(self, limit: int, timeout: float) -> Iterator[tuple[Assignment, Record]]:
        """Yield records that are not done yet; wait only for the first. Raises Fatal errors."""
        for record in self._consumer.poll(limit, timeout):
            metrics.REQUESTS_TAKEN.inc()
            assignment = self._owned.get(record.partition)
            if assignment is None:  # fetched before it was revoked
                continue
            if assignment.ledger.take(record.offset):
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
        return waiting >= self._gpu.buffer or assignment.ledger.span >= self._gpu.window

    def _has_room(self, assignment: Assignment) -> bool:
        waiting = self._callbacks.waiting(assignment.partition)
        return waiting <= self._gpu.buffer // 4 and assignment.ledger.span <= self._gpu.window // 2

    def _disown(self, assignment: Assignment) -> None:
        self._callbacks.forget(assignment.partition)
        metrics.PARTITIONS_PAUSED.dec(assignment.throttled)
