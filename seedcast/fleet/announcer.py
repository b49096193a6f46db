"""Writes one worker's record to the topic of workers: when it changes, and as a heartbeat."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from msgspec.structs import replace

from seedcast.codec import encode_json
from seedcast.errors import SeedcastError
from seedcast.kafka import Producer
from seedcast.kafka.memory_producer import MemoryProducer
from seedcast.schemas.messages import Worker

log = structlog.get_logger(__name__)

HEARTBEAT = 5.0  # seconds between two records of a worker that does not change
PAUSE = 1.0  # seconds between two records, at least
LEAVE = 2.0  # seconds for the tombstone; without one, the silence tells


class Announcer:
    """Raises no error of the broker's: a worker that nobody sees works all the same.

    At most one record is under way, so that what an outage holds up is one record, and not one per
    heartbeat. For one thread.
    """

    def __init__(
        self,
        producer: Producer | MemoryProducer,
        topic: str,
        *,
        heartbeat: float = HEARTBEAT,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._producer, self._topic, self._heartbeat = producer, topic, heartbeat
        self._clock, self._now = clock, now
        self._sent: Worker | None = None  # the last that the producer took
        self._sent_at = float("-inf")
        self._under_way = False
        self._problem: str | None = None  # why the last one was refused

    def turn(self, worker: Worker) -> None:
        """Write the worker's record if it is due. Call it about once per PAUSE."""
        try:
            self._producer.poll()
            self._write_if_due(worker)
        except SeedcastError as error:
            self._note(error)

    def leave(self, worker_id: str, seconds: float = LEAVE) -> None:
        """Write the tombstone, and wait for it up to `seconds`. The producer is of no use then."""
        try:
            self._send(worker_id, None)
            self._producer.flush(seconds)
            self._producer.abandon()
        except SeedcastError as error:
            self._note(error)

    def _write_if_due(self, worker: Worker) -> None:
        changed = worker != self._sent and self._problem is None
        pause = min(PAUSE, self._heartbeat) if changed else self._heartbeat
        if self._under_way or self._clock() < self._sent_at + pause:
            return
        if self._problem:
            self._producer.refresh(self._topic)
        self._sent, self._sent_at = worker, self._clock()
        record = replace(worker, heartbeat=self._now())
        self._send(worker.worker_id, encode_json(record))

    def _send(self, worker_id: str, value: bytes | None) -> None:
        self._under_way = True
        try:
            self._producer.send(
                self._topic, key=worker_id.encode(), value=value, on_delivery=self._delivered
            )
        except SeedcastError as error:
            self._delivered(error)

    def _delivered(self, error: SeedcastError | None) -> None:
        self._under_way = False
        self._note(error)

    def _note(self, error: SeedcastError | None) -> None:
        """Log a refusal once, and its end once."""
        problem = None if error is None else str(error)
        if problem and problem != self._problem:
            log.warning("announcement_refused", problem=problem, next="the worker goes on unseen")
        elif self._problem and not problem:
            log.info("announced_again")
        self._problem = problem
