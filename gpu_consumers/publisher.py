"""Sends what became of a request; its offset is done when the broker has acknowledged that, and not before."""

from collections.abc import Callable
from typing import Protocol

import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from gpu_consumers import triage
from gpu_consumers.assignments import Assignment
from gpu_consumers.audio_backlog import Mean
from gpu_consumers.detour import Route
from schemas.messages import Rejected, Synthesis
from schemas.topics import AUDIO, AUDIO_URGENT, DEAD_LETTERS, MIB, REQUESTS_URGENT
from seedcast import metrics
from seedcast.codec import encode_synthesis
from seedcast.errors import Fatal, Poison, Retryable, SeedcastError, Undecodable
from seedcast.failpoints import failpoint
from seedcast.kafka import Headers, Producer, Record
from seedcast.kafka.memory_producer import MemoryProducer
from seedcast.settings import Settings
from storage.dead_letters import dead_letter
from storage.objects import ObjectStore

log = structlog.get_logger(__name__)

STAGE = "gpu-consumer"
FULL = (
    40 * MIB
)  # bytes on their way to the broker; librdkafka takes 64 MiB, and then keeps its caller waiting

OnDelivery = Callable[[SeedcastError | None], None]


class Holder(Protocol):
    """Whose offset it is."""

    @property
    def ours(self) -> bool: ...

    def finish(self, offset: int) -> None: ...


class Publisher:
    def __init__(
        self, settings: Settings, store: ObjectStore, producer: Producer | MemoryProducer
    ) -> None:
        self._settings, self._store, self._producer = settings, store, producer
        self._lanes = {settings.topic(REQUESTS_URGENT): settings.topic(AUDIO_URGENT)}
        self._bulk = settings.topic(AUDIO)
        self._failure: SeedcastError | None = None
        self._under_way = 0  # bytes
        self.full = (
            False  # whether the broker takes less than is made, so that nothing more should be made
        )
        self.audio_bytes = Mean()  # of a record of the bulk audio topic

    def publish(self, assignment: Assignment, offset: int, synthesis: Synthesis) -> None:
        request_id = (
            synthesis.request_id
            if isinstance(synthesis, Rejected)
            else synthesis.request.request_id
        )

        def delivered(error: SeedcastError | None) -> None:
            if error is None:
                failpoint("gpu.acknowledged")
                metrics.REQUESTS_FINISHED.labels(
                    synthesis.status if isinstance(synthesis, Rejected) else "audio"
                ).inc()
                assignment.finish(offset)
            elif not assignment.ours:
                metrics.REQUESTS_DROPPED.inc()
            elif isinstance(error, Retryable):
                self.publish(assignment, offset, synthesis)
            elif isinstance(error, Poison) and not isinstance(synthesis, Rejected):
                self.publish(assignment, offset, triage.too_large(synthesis.request, error.got))
            else:
                self._failure = error

        log.debug("published", request_id=request_id)
        topic, value = (
            self._lanes.get(assignment.partition.topic, self._bulk),
            encode_synthesis(synthesis),
        )
        if topic == self._bulk:
            self.audio_bytes.add(len(value))
        self._send(topic, request_id.encode(), value, (), delivered)
        failpoint("gpu.sent")

    def move(
        self,
        holder: Holder,
        record: Record,
        route: Route,
        moved: Callable[[], object],
        refused: Callable[[Poison], None] | None = None,
    ) -> None:
        """To another topic, as it came. `moved` runs once that has it, before the offset is done; `refused` where it never will, else the process ends."""

        def delivered(error: SeedcastError | None) -> None:
            if error is None:
                moved()
                holder.finish(record.offset)
            elif not holder.ours:
                metrics.REQUESTS_DROPPED.inc()
            elif isinstance(error, Retryable):
                self.move(holder, record, route, moved, refused)
            elif isinstance(error, Poison) and refused:
                refused(error)
            else:
                self._failure = error

        self._send(route.topic, route.key, record.value, route.headers, delivered, route.partition)

    def bury(self, assignment: Assignment, record: Record, error: Undecodable) -> None:
        """Where the dead-letter topic refuses it, the process ends and the source offset stays where it is."""
        log.warning(
            "dead_letter",
            topic=record.partition.topic,
            partition=record.partition.number,
            offset=record.offset,
            problem=str(error),
        )
        key, value, headers = self._letter(record, error)

        def delivered(failure: SeedcastError | None) -> None:
            if failure is None:
                metrics.DEAD_LETTERS.labels(STAGE).inc()
                assignment.finish(record.offset)
            elif assignment.ours:
                self._failure = failure

        self._send(self._settings.topic(DEAD_LETTERS), key, value, headers, delivered)

    def poll(self, timeout: float = 0.0) -> None:
        """Serves delivery reports. Raises Fatal where a topic of ours refused something for good."""
        self._producer.poll(timeout)
        if isinstance(self._failure, Fatal):
            raise self._failure
        if self._failure:
            raise Fatal(
                self._failure.what,
                got=self._failure.got,
                remedy="see what differs with `seedcast topics check`; until then the source offset stays",
            )

    def flush(self, patience: float) -> None:
        """Waits for delivery reports, at most so many seconds."""
        self._producer.flush(patience)

    def close(self) -> None:
        """What is still queued belongs to partitions that are no longer ours."""
        self._producer.abandon()

    def _letter(
        self, record: Record, error: Undecodable
    ) -> tuple[bytes | None, bytes | None, Headers]:
        """A large one goes to the object store, which may be away for a while: patience for half the watchdog's."""
        patience = stop_after_delay(self._settings.gpu.watchdog / 2)
        for attempt in Retrying(
            retry=retry_if_exception_type(Retryable),
            wait=wait_random_exponential(max=5),
            stop=patience,
            reraise=True,
        ):
            with attempt:
                return dead_letter(record, error, stage=STAGE, store=self._store)
        raise AssertionError("unreachable: tenacity re-raises")

    def _send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        delivered: OnDelivery,
        partition: int = -1,
    ) -> None:
        size = len(value or b"")

        def reported(error: SeedcastError | None) -> None:
            self._count(-size)
            delivered(error)

        self._count(size)
        try:
            self._producer.send(
                topic,
                key=key,
                value=value,
                headers=headers,
                on_delivery=reported,
                partition=partition,
            )
        except Poison as error:  # larger than librdkafka itself takes
            reported(error)

    def _count(self, size: int) -> None:
        self._under_way += size
        full = self._under_way > (FULL // 2 if self.full else FULL)
        if full and not self.full:
            log.warning(
                "broker_behind",
                unacknowledged_mib=self._under_way // MIB,
                next="nothing is spoken until it has taken half of that",
            )
        self.full = full
