"""The requests' partitions that are ours: what is read from them, and how far they may run ahead."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from gpu_consumers.ledger import Ledger
from seedcast import metrics
from seedcast.errors import SeedcastError
from seedcast.failpoints import failpoint
from seedcast.kafka import Committed, Offsets, Partition, Record
from seedcast.kafka.owned_partitions import OwnedPartition, OwnedPartitions
from seedcast.kafka.topic_consumers import TopicConsumers
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

GROUP = "gpu-consumers"


@dataclass(eq=False)
class Assignment(OwnedPartition[Ledger]):
    paused: bool = False


@dataclass(frozen=True)
class Callbacks:
    """What the worker does for us."""

    waiting: Callable[[Partition], int]  # how many requests of a partition wait for a slot
    flush: Callable[[], object]  # waits for the delivery reports of what was published
    forget: Callable[[Partition], None]  # drops what waits of a partition


class Assignments(OwnedPartitions[Assignment]):
    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str],
        callbacks: Callbacks,
        join: Callable[..., TopicConsumers] = TopicConsumers,
    ) -> None:
        self._gpu, self._callbacks = settings.gpu, callbacks
        super().__init__(settings, GROUP, topics, callbacks.flush, join)

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

    def relieve(self) -> None:
        """Resumes what is well below its limits again."""
        for assignment in self._ours.values():
            room = (
                self._callbacks.waiting(assignment.partition) <= self._gpu.buffer // 4
                and assignment.ledger.span <= self._gpu.window // 2
            )
            if assignment.paused and room:
                self._consumer.resume(assignment.partition)
                assignment.paused = False
                metrics.PARTITIONS_PAUSED.dec()

    def _press_back(self, assignment: Assignment) -> None:
        """Pausing empties librdkafka's prefetch queue, so it is rare: at the limit, until well below it."""
        full = (
            self._callbacks.waiting(assignment.partition) >= self._gpu.buffer
            or assignment.ledger.span >= self._gpu.window
        )
        if full and not assignment.paused:
            self._consumer.pause(assignment.partition)
            assignment.paused = True
            metrics.PARTITIONS_PAUSED.inc()

    def _hold(self, partition: Partition, left: Committed) -> Assignment:
        return Assignment(partition, Ledger(left.start or 0, left.metadata), left.held)

    def _drop(self, assignment: Assignment) -> None:
        self._callbacks.forget(assignment.partition)
        metrics.PARTITIONS_PAUSED.dec(assignment.paused)

    def _moved(self, partitions: Iterable[Partition]) -> Offsets:
        if moved := super()._moved(partitions):
            failpoint("gpu.commit")
        return moved

    def _noted(self, offsets: Offsets, error: SeedcastError | None) -> None:
        if offsets:
            failpoint("gpu.committed")
        super()._noted(offsets, error)

    def _assigned(self, committed: dict[Partition, Committed]) -> None:
        super()._assigned(committed)
        failpoint("gpu.assigned")
        log.info("assigned", partitions=_names(committed))

    def _revoked(self, partitions: Sequence[Partition]) -> None:
        failpoint("gpu.revoked")
        super()._revoked(partitions)

    def _lost(self, partitions: Sequence[Partition]) -> None:
        super()._lost(partitions)
        log.info("revoked", partitions=_names(partitions))


def _names(partitions: Iterable[Partition]) -> list[str]:
    return [f"{p.topic}[{p.number}]" for p in partitions]
