"""Sends the outcome of a request. Its offset is done once the broker has acknowledged that."""

import time
from collections.abc import Callable

import structlog

from seedcast import metrics
from seedcast.codec import encode_synthesis
from seedcast.errors import (
    BrokerUnavailable,
    CredentialsRefused,
    Fatal,
    Poison,
    Retryable,
    SeedcastError,
    Undecodable,
)
from seedcast.failpoints import failpoint
from seedcast.gpu_consumers import triage
from seedcast.gpu_consumers.audio_backlog import Mean
from seedcast.gpu_consumers.owned_partitions import Assignment
from seedcast.kafka import Headers, Producer, Record
from seedcast.kafka.memory_producer import MemoryProducer
from seedcast.retry import retry
from seedcast.schemas.messages import Rejected, Synthesis
from seedcast.schemas.topics import DEAD_LETTERS, MIB, NORMAL
from seedcast.settings import Settings
from seedcast.storage.dead_letters import dead_letter
from seedcast.storage.objects import ObjectStore

log = structlog.get_logger(__name__)

STAGE = "gpu-consumer"
# Synthesis pauses above this many unacknowledged bytes. librdkafka's queue takes 64 MiB; after that
# `send` blocks.
FULL = 40 * MIB
SEND_AGAIN = 1.0  # seconds between two tries of what the broker refuses for now

# An outage, refused credentials, a missing right.
_MAY_HEAL = (Retryable, CredentialsRefused)

OnDelivery = Callable[[SeedcastError | None], None]


class Publisher:
    def __init__(
        self, settings: Settings, store: ObjectStore, producer: Producer | MemoryProducer
    ) -> None:
        self._settings, self._store, self._producer = settings, store, producer
        self._failure: SeedcastError | None = None
        # What the broker refused for now, by topic. Its bytes count as unacknowledged.
        self._again: dict[str, list[Callable[[], None]]] = {}
        self._again_due = 0.0
        self._unacknowledged = 0  # bytes
        self.full = False  # True: over FULL bytes are unacknowledged, so pause synthesis
        self.audio_bytes = Mean()  # of a record of the normal audio topic

    def publish(self, assignment: Assignment, offset: int, synthesis: Synthesis) -> None:
        request = synthesis if isinstance(synthesis, Rejected) else synthesis.request

        def on_delivery(error: SeedcastError | None) -> None:
            if error is None:
                failpoint("gpu.acknowledged")
                outcome = synthesis.status if isinstance(synthesis, Rejected) else "audio"
                metrics.REQUESTS_FINISHED.labels(outcome).inc()
                assignment.finish(offset)
            elif not assignment.owned:
                metrics.REQUESTS_DROPPED.inc()
            elif isinstance(error, Poison) and (smaller := _smaller(synthesis, error)):
                self.publish(assignment, offset, smaller)
            else:
                self._failure = error

        log.debug("published", request_id=request.request_id)
        audio, value = (
            self._settings.lane(assignment.partition.topic).audio,
            encode_synthesis(synthesis),
        )
        if audio is NORMAL.audio:
            self.audio_bytes.add(len(value))
        topic, key = self._settings.topic(audio), request.request_id.encode()
        self._send(assignment, topic, key, value, (), on_delivery)
        failpoint("gpu.sent")

    def bury(self, assignment: Assignment, record: Record, error: Undecodable) -> None:
        """Send a dead letter. If its topic refuses it, the process ends and the offset stays."""
        log.warning(
            "dead_letter",
            topic=record.partition.topic,
            partition=record.partition.number,
            offset=record.offset,
            problem=str(error),
        )
        key, value, headers = self._dead_letter(record, error)

        def on_delivery(failure: SeedcastError | None) -> None:
            if failure is None:
                metrics.DEAD_LETTERS.labels(STAGE).inc()
                assignment.finish(record.offset)
            elif assignment.owned:
                self._failure = failure

        topic = self._settings.topic(DEAD_LETTERS)
        self._send(assignment, topic, key, value, headers, on_delivery)

    def poll(self, timeout: float = 0.0) -> None:
        """Serve delivery reports. Raises Fatal if a topic refused a record for good."""
        self._send_again()
        self._producer.poll(timeout)
        if isinstance(self._failure, Fatal):
            raise self._failure
        if self._failure:
            raise Fatal(
                self._failure.what,
                got=self._failure.got,
                remedy="see what differs with `seedcast topics check`; "
                "until then the source offset stays",
            )

    def flush(self, timeout: float) -> None:
        """Wait for delivery reports, at most `timeout` seconds."""
        self._producer.flush(timeout)

    def close(self) -> None:
        """Drop what is still queued: it belongs to partitions that are no longer owned."""
        self._again.clear()
        self._producer.abandon()

    def _dead_letter(
        self, record: Record, error: Undecodable
    ) -> tuple[bytes | None, bytes | None, Headers]:
        """A large dead letter goes to the store. Keep trying for half the watchdog's limit."""
        return retry(
            lambda: dead_letter(record, error, stage=STAGE, store=self._store),
            seconds=self._settings.gpu.watchdog / 2,
            boundary="store",
        )

    def _send(
        self,
        assignment: Assignment,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        on_delivery: OnDelivery,
    ) -> None:
        size = len(value or b"")

        def report(error: SeedcastError | None) -> None:
            if isinstance(error, _MAY_HEAL) and assignment.owned:
                self._postpone(topic, send, error)
                return
            self._count(-size)
            on_delivery(error)

        def send() -> None:
            if not assignment.owned:
                report(BrokerUnavailable(f"producing to {topic}: the partition has moved"))
                return
            try:
                self._producer.send(
                    topic,
                    key=key,
                    value=value,
                    headers=headers,
                    on_delivery=report,
                )
            except (Poison, *_MAY_HEAL) as error:  # too large, or refused a moment ago
                report(error)

        self._count(size)
        send()

    def _postpone(self, topic: str, send: Callable[[], None], error: SeedcastError) -> None:
        """Send it again later: passwords are rotated and rights restored."""
        if not self._again:
            self._again_due = time.monotonic() + SEND_AGAIN
            metrics.RETRIES.labels("broker").inc()
            log.warning("unavailable", boundary="broker", problem=str(error))
        self._again.setdefault(topic, []).append(send)

    def _send_again(self) -> None:
        if not self._again or time.monotonic() < self._again_due:
            return
        again, self._again = self._again, {}
        for topic, sends in again.items():
            self._producer.refresh(topic)
            for send in sends:
                send()

    def _count(self, size: int) -> None:
        self._unacknowledged += size
        full = self._unacknowledged > (FULL // 2 if self.full else FULL)
        if full and not self.full:
            log.warning(
                "broker_behind",
                unacknowledged_mib=self._unacknowledged // MIB,
                next="no synthesis until the broker has taken half of that",
            )
        self.full = full


def _smaller(synthesis: Synthesis, error: Poison) -> Rejected | None:
    """Return what to send instead of a record that the topic will never take; None: nothing."""
    if not isinstance(synthesis, Rejected):
        return triage.too_large(synthesis.request, error.got)
    return triage.without_metadata(synthesis) if synthesis.metadata else None
