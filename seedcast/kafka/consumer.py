"""A member of a consumer group: one polling thread, offsets committed by the caller."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

import structlog
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from seedcast.errors import CredentialsRefused, Fatal, OffsetsLost, SeedcastError
from seedcast.kafka import config
from seedcast.kafka.errors import making_a_client, refuse_gap, say_if_late, translate
from seedcast.settings import Settings

log = structlog.get_logger(__name__)
T = TypeVar("T")
P = ParamSpec("P")

TAKE_OVER = 40.0  # seconds in which the offsets of partitions must become known; less than the watchdog's
LEAVE = 5.0  # seconds in which partitions are given up
SERVE = 0.1  # seconds in which a rebalance is served
LOOK = 5.0  # seconds for a look at where logs begin, all of them together


@dataclass(frozen=True, order=True)
class Partition:
    topic: str
    number: int


@dataclass(frozen=True)
class Committed:
    """What the group left behind: the next offset to read (None: nothing yet) and its metadata."""

    offset: int | None
    metadata: str
    begins: int | None = None  # where the log began when that was asked; None: nobody could say

    @property
    def start(self) -> int | None:
        """A group that left nothing starts where the log begins."""
        return self.begins if self.offset is None else self.offset

    @property
    def held(self) -> tuple[int, str] | None:
        """What need not be committed again. None: where it starts is still to be committed, else an autoscaler takes all of the log for lag."""
        return None if self.offset is None and self.begins is not None else (self.start or 0, self.metadata)


@dataclass(frozen=True)
class Record:
    partition: Partition
    offset: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int


OnAssign = Callable[[dict[Partition, Committed]], None]
OnRevoke = Callable[[Sequence[Partition]], None]
Offsets = dict[Partition, tuple[int, str]]  # the next offset to read, and its metadata
OnCommit = Callable[[Offsets, SeedcastError | None], None]


class GroupConsumer:
    """`on_revoke` runs while the partitions are still ours: commit there. `on_lost` runs when they no longer are, after that or, too late for it, alone.

    `on_commit` learns what became of an asynchronous commit: what was committed, and an error where there was one.
    """

    def __init__(
        self,
        settings: Settings,
        group: str,
        topics: Sequence[str],
        *,
        on_assign: OnAssign,
        on_revoke: OnRevoke,
        on_lost: OnRevoke,
        on_commit: OnCommit = lambda *_: None,
        rewind: bool = False,
    ) -> None:
        """With `rewind`, every partition is read from its beginning, and `on_assign` still learns what was committed."""
        self._rewind = rewind
        self._on_assign, self._on_revoke, self._on_lost, self._on_commit = on_assign, on_revoke, on_lost, on_commit
        self._failure: BaseException | None = None
        self._closing = self._left = self._gone = self._committing = False
        with making_a_client():
            self._client = Consumer(config.consumer(settings.kafka, group) | {"on_commit": self._guard(self._noted)}, logger=config.LOGGER)
        self._client.subscribe(list(topics), on_assign=self._guard(self._assign), on_revoke=self._guard(self._revoke), on_lost=self._guard(self._lose))

    def poll(self, limit: int, timeout: float = 0.0) -> Iterator[Record]:
        """Up to `limit` records; waits only for the first. Raises OffsetsLost, CredentialsRefused and other Fatal errors."""
        for _ in range(limit):
            message = self._client.poll(timeout)
            self._raise_failure()
            if message is None:
                return
            timeout = 0.0
            if error := message.error():
                mapped = translate(error, "consuming")
                if isinstance(mapped, OffsetsLost):
                    self._count_gap(message)
                if isinstance(mapped, Fatal):
                    raise mapped
                log.warning("kafka_consumer", problem=str(mapped))
                continue
            yield as_record(message)

    def commit(self, offsets: Offsets) -> None:
        """Synchronous: for `on_revoke`. Elsewhere a rebalance makes it wait for other members. Raises SeedcastError."""
        for result in self._commit(offsets, asynchronous=False):
            if result.error:
                raise translate(result.error, f"committing offset of {result.topic}[{result.partition}]")

    def commit_soon(self, offsets: Offsets) -> None:
        """Asynchronous; `on_commit` runs in a later `poll`. While one is under way, does nothing. Raises SeedcastError."""
        if not self._committing:
            self._commit(offsets, asynchronous=True)
            self._committing = True

    def pause(self, partition: Partition) -> None:
        self._client.pause([_bare(partition)])

    def resume(self, partition: Partition) -> None:
        self._client.resume([_bare(partition)])

    def seek(self, partition: Partition, offset: int) -> None:
        """The next record of a partition of ours is the one at `offset`. Raises Retryable while it is not being read yet."""
        try:
            self._client.seek(TopicPartition(partition.topic, partition.number, offset))
        except KafkaException as error:
            raise translate(error, f"going back in {partition.topic}[{partition.number}]") from error

    def at_end(self, positions: dict[Partition, int]) -> bool:
        """Whether nothing is left behind these positions (the next offsets to read). Raises SeedcastError."""
        try:
            for partition, position in positions.items():
                low, high = self._client.get_watermark_offsets(_bare(partition), timeout=10)
                if low < high and position < high:
                    return False
        except KafkaException as error:
            raise translate(error, "looking up the end of partitions") from error
        return True

    def leaving(self) -> None:
        """From here on, nothing is taken over."""
        self._closing = True

    def close(self) -> None:
        """Leaves the group, in LEAVE seconds; `on_revoke` and `on_lost` run first. What failed is logged: the partitions are gone either way.

        The rebalance that this begins, and one that was under way, are served before librdkafka's own close: in that, the second of two
        waits for ever (measured; its issue 4041). And that close waits for a commit under way, which has no limit while the broker is away.
        """
        if self._left:
            return
        self._left = True
        self.leaving()
        until = time.monotonic() + LEAVE
        self._client.unsubscribe()
        self._client.poll(SERVE)
        while self._client.assignment() and time.monotonic() < until:
            self._client.poll(SERVE)
        closing = threading.Thread(target=self._client.close, name="leave", daemon=True)
        closing.start()
        closing.join(max(SERVE, until - time.monotonic()))
        if self._failure:
            log.warning("kafka_consumer", problem=str(self._failure))
        if closing.is_alive():
            self._gone = True
            log.warning("leave_timed_out", seconds=LEAVE, next="the group waits for the session's end")

    def _commit(self, offsets: Offsets, asynchronous: bool) -> list[TopicPartition]:
        places = [TopicPartition(p.topic, p.number, offset, metadata) for p, (offset, metadata) in offsets.items()]
        try:
            return self._client.commit(offsets=places, asynchronous=asynchronous) or []
        except KafkaException as error:
            raise translate(error, "committing offsets") from error

    def _noted(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._committing = False
        failed = error or next((p.error for p in partitions if p.error), None)
        done = {} if error else {Partition(p.topic, p.partition): (p.offset, p.metadata or "") for p in partitions if not p.error}
        self._on_commit(done, translate(failed, "committing offsets") if failed else None)

    def _count_gap(self, message: Message) -> None:
        """Raises OffsetsLost that says how many are gone, where that can be told."""
        with suppress(KafkaException):
            low, _ = self._client.get_watermark_offsets(TopicPartition(message.topic(), message.partition()), timeout=10)
            refuse_gap(message.topic(), message.partition(), message.offset(), low)

    def _assign(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._take_over(client, partitions)
        except BaseException:
            client.incremental_assign(_unread(partitions))  # an assignment that nobody answers keeps the process from ending (measured)
            raise

    def _take_over(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:  # there is no time for questions; and what is not assigned cannot be taken back
            client.incremental_assign(_unread(partitions))
            return
        committed = _patiently(partial(_committed, client, partitions))
        until = time.monotonic() + LOOK
        left = [Committed(None if p.offset < 0 else p.offset, p.metadata or "", _begins(client, p, until)) for p in committed]
        for partition, found in zip(committed, left, strict=True):
            if found.begins is not None and found.offset is not None:
                refuse_gap(partition.topic, partition.partition, found.offset, found.begins)
            elif found.begins is not None and not self._rewind:
                say_if_late(partition.topic, partition.partition, found.begins)
        self._on_assign({Partition(p.topic, p.partition): found for p, found in zip(committed, left, strict=True)})
        starts = [OFFSET_BEGINNING if self._rewind or found.start is None else found.start for found in left]
        client.incremental_assign([TopicPartition(p.topic, p.partition, start) for p, start in zip(committed, starts, strict=True)])
        client.resume([_bare_of(p) for p in committed])  # one that was paused when it was lost would stay so (measured)

    def _revoke(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        leaving = [Partition(p.topic, p.partition) for p in partitions]
        try:
            self._on_revoke(leaving)
        finally:  # whatever failed: they are no longer ours to commit
            self._on_lost(leaving)

    def _lose(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        self._on_lost([Partition(p.topic, p.partition) for p in partitions])

    def _guard(self, callback: Callable[P, None]) -> Callable[P, None]:
        """An exception inside a callback would be lost in C; keep it for the poll that runs it. Nobody waits any more for what comes late."""

        def run(*arguments: P.args, **named: P.kwargs) -> None:
            if self._gone:
                return
            try:
                callback(*arguments, **named)
            except KafkaException as error:
                self._failure = translate(error, "in a rebalance")
            except BaseException as error:
                self._failure = error

        return run

    def _raise_failure(self) -> None:
        if failure := self._failure:
            self._failure = None
            raise failure


def as_record(message: Message) -> Record:
    place = Partition(message.topic(), message.partition())
    return Record(place, message.offset(), message.key(), message.value() or b"", _headers(message), message.timestamp()[1])


def _headers(message: Message) -> tuple[tuple[str, bytes], ...]:
    """None where a name is no UTF-8: the record counts, and asking for them twice would crash the process (measured)."""
    try:
        return tuple((name, value or b"") for name, value in message.headers() or ())
    except (SystemError, UnicodeDecodeError):
        log.warning("headers_unreadable", topic=message.topic(), partition=message.partition(), offset=message.offset())
        return ()


def _committed(client: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    found: list[TopicPartition] = client.committed(partitions, timeout=10)
    for partition in found:
        if partition.error:
            raise KafkaException(partition.error)
    return found


def _begins(client: Consumer, partition: TopicPartition, until: float) -> int | None:
    """None where nobody can say in time: one partition without a leader must not keep the others from being read. A gap in it shows with its first fetch."""
    left = max(0.1, until - time.monotonic())
    try:
        low, _ = _patiently(partial(client.get_watermark_offsets, _bare_of(partition), timeout=left), left)
    except KafkaException as error:
        log.warning("partition_unreachable", topic=partition.topic, partition=partition.partition, problem=str(translate(error, "looking up where it begins")))
        return None
    return int(low)


def _patiently(question: Callable[[], T], seconds: float = TAKE_OVER) -> T:
    """Asked again: when a broker dies, its partitions are assigned before everybody knows where they are. Raises KafkaException in the end."""
    patience = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, KafkaException) and not isinstance(translate(error, ""), CredentialsRefused)),
        stop=stop_after_delay(seconds),
        wait=wait_random_exponential(multiplier=0.1, max=1),
        before_sleep=lambda state: log.warning("kafka_consumer", problem=f"taking over partitions: {state.outcome and state.outcome.exception()}"),
        reraise=True,
    )
    return patience(question)


def _unread(partitions: list[TopicPartition]) -> list[TopicPartition]:
    """From their ends, whatever the group left of them."""
    return [TopicPartition(p.topic, p.partition, OFFSET_END) for p in partitions]


def _bare(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.number)


def _bare_of(partition: TopicPartition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)
