"""A producer on a thread of its own, for callers on any thread or event loop."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock, Thread

import structlog

from seedcast.errors import AccessDenied, BrokerUnavailable, SeedcastError
from seedcast.kafka.memory_producer import MemoryProducer
from seedcast.kafka.producer import Producer

log = structlog.get_logger(__name__)

SERVE = 0.002  # seconds until the reports are looked at while records are on their way
IDLE = 1.0  # the same while there are none: tokens and passwords are renewed then, too

Offset = int | None  # None: acknowledged, at an unknown offset


@dataclass(frozen=True, eq=False)
class _Record:
    topic: str
    key: bytes
    value: bytes
    partition: int
    future: "Future[Offset]" = field(default_factory=Future)


class BackgroundProducer:
    """Sends records one at a time; the future of each is done once the broker has answered.

    Thread-safe. `close` it, or what is on its way may be lost when the process ends.
    """

    def __init__(self, producer: Producer | MemoryProducer) -> None:
        """`producer` is used by this thread alone from now on."""
        self._producer = producer
        self._queue = SimpleQueue[_Record | None]()  # None: the end
        self._sent = set[_Record]()  # and not answered yet
        self._refused = set[str]()  # topics that we may not write to, as far as librdkafka knows
        self._ended: Exception | None = None
        self._lock = Lock()  # nothing enters the queue after its end
        self._closing = 0.0  # seconds to deliver the rest
        self._thread = Thread(target=self._run, name="seedcast-producer", daemon=True)
        self._thread.start()

    def send(self, topic: str, *, key: bytes, value: bytes, partition: int = -1) -> Future[Offset]:
        """Return at once. The future raises the broker's error.

        What is cancelled before librdkafka has it is not sent.

        Raises BrokerUnavailable if this producer has been closed.
        """
        record = _Record(topic, key, value, partition)
        with self._lock:
            if self._ended:
                raise self._ended
            self._queue.put(record)
        return record.future

    def close(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for what is on its way, and drop the rest."""
        with self._lock:
            self._closing = timeout
            self._ended = self._ended or BrokerUnavailable("the producer has been closed")
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._step():
                self._producer.poll()
            self._producer.flush(self._closing)
            self._producer.abandon()
        except Exception as error:
            log.exception("producer_ended")
            with self._lock:
                self._ended = error
        for record in self._left():
            record.future.set_exception(self._ended or BrokerUnavailable("never sent"))

    def _step(self) -> bool:
        """Hand the next record over, if there is one; False at the end."""
        with suppress(Empty):
            record = self._queue.get(timeout=SERVE if self._sent else IDLE)
            if record is None:
                return False
            if record.future.set_running_or_notify_cancel():
                self._hand_over(record)
        return True

    def _hand_over(self, record: _Record) -> None:
        if record.topic in self._refused:
            self._refused.discard(record.topic)
            self._producer.refresh(record.topic)
        offsets: list[int] = []

        def on_delivery(error: SeedcastError | None) -> None:
            self._answer(record, error, offsets[0] if offsets else None)

        self._sent.add(record)
        try:
            self._producer.send(
                record.topic,
                key=record.key,
                value=record.value,
                partition=record.partition,
                on_delivery=on_delivery,
                on_offset=offsets.append,
            )
        except SeedcastError as error:
            self._answer(record, error, None)

    def _answer(self, record: _Record, error: SeedcastError | None, offset: Offset) -> None:
        self._sent.discard(record)
        if isinstance(error, AccessDenied):
            self._refused.add(record.topic)
        if error:
            record.future.set_exception(error)
        else:
            record.future.set_result(offset)

    def _left(self) -> Iterator[_Record]:
        """Yield what has no answer, and will get none."""
        yield from self._sent
        with suppress(Empty):
            while True:
                record = self._queue.get_nowait()
                if record and record.future.set_running_or_notify_cancel():
                    yield record
