"""A member of a consumer group: one polling thread, offsets committed by the caller."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, Consumer, KafkaException, Message, TopicPartition
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from seedcast.errors import CredentialsRefused, Fatal
from seedcast.kafka import config
from seedcast.kafka.errors import refuse_gap, say_if_late, translate
from seedcast.settings import Settings

log = structlog.get_logger(__name__)
T = TypeVar("T")

TAKE_OVER = 40.0  # seconds in which the offsets of partitions must become known; less than the watchdog's


@dataclass(frozen=True, order=True)
class Partition:
    topic: str
    number: int


@dataclass(frozen=True)
class Committed:
    """What the group left behind: the next offset to read (None: nothing yet) and its metadata."""

    offset: int | None
    metadata: str


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


class GroupConsumer:
    """`on_revoke` runs while the partitions are still ours: commit there. `on_lost` runs when they no longer are, after that or, too late for it, alone."""

    def __init__(
        self, settings: Settings, group: str, topics: Sequence[str], *, on_assign: OnAssign, on_revoke: OnRevoke, on_lost: OnRevoke, rewind: bool = False
    ) -> None:
        """With `rewind`, every partition is read from its beginning, and `on_assign` still learns what was committed."""
        self._rewind = rewind
        self._on_assign, self._on_revoke, self._on_lost = on_assign, on_revoke, on_lost
        self._failure: BaseException | None = None
        self._closing = False
        self._client = Consumer(config.consumer(settings.kafka, group), logger=config.LOGGER)
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
                if isinstance(mapped, Fatal):
                    raise mapped
                log.warning("kafka_consumer", problem=str(mapped))
                continue
            yield as_record(message)

    def commit(self, offsets: dict[Partition, tuple[int, str]]) -> None:
        """Synchronous, so that none is outstanding when a partition is revoked. Raises SeedcastError."""
        try:
            results = self._client.commit(
                offsets=[TopicPartition(p.topic, p.number, offset, metadata) for p, (offset, metadata) in offsets.items()], asynchronous=False
            )
        except KafkaException as error:
            raise translate(error, "committing offsets") from error
        for result in results or ():
            if result.error:
                raise translate(result.error, f"committing offset of {result.topic}[{result.partition}]")

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

    def close(self) -> None:
        """Leaves the group; `on_revoke` and `on_lost` run first. What failed in it is logged: the partitions are gone either way."""
        self._closing = True
        self._client.close()
        if self._failure:
            log.warning("kafka_consumer", problem=str(self._failure))

    def _assign(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._take_over(client, partitions)
        except BaseException:
            client.incremental_assign([])  # an assignment that nobody answers keeps the process from ending (measured)
            raise

    def _take_over(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:  # a client that closes answers no more: the question would hang for its whole timeout
            client.incremental_assign([])
            return
        committed = _patiently(partial(_committed, client, partitions))
        for partition in committed:
            low, _ = _patiently(partial(client.get_watermark_offsets, _bare_of(partition), timeout=10))
            if partition.offset == OFFSET_INVALID:
                partition.offset = OFFSET_BEGINNING
                if not self._rewind:
                    say_if_late(partition.topic, partition.partition, low)
            else:
                refuse_gap(partition.topic, partition.partition, partition.offset, low)
        self._on_assign({Partition(p.topic, p.partition): Committed(None if p.offset < 0 else p.offset, p.metadata or "") for p in committed})
        client.incremental_assign([TopicPartition(p.topic, p.partition, OFFSET_BEGINNING if self._rewind else p.offset) for p in committed])
        client.resume([_bare_of(p) for p in committed])  # one that was paused when it was lost would stay so (measured)

    def _revoke(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        leaving = [Partition(p.topic, p.partition) for p in partitions]
        try:
            self._on_revoke(leaving)
        finally:  # whatever failed: they are no longer ours to commit
            self._on_lost(leaving)

    def _lose(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        self._on_lost([Partition(p.topic, p.partition) for p in partitions])

    def _guard(self, callback: Callable[[Consumer, list[TopicPartition]], None]) -> Callable[[Consumer, list[TopicPartition]], None]:
        """An exception inside a rebalance callback would be lost in C; keep it for the poll that runs it."""

        def run(client: Consumer, partitions: list[TopicPartition]) -> None:
            try:
                callback(client, partitions)
            except KafkaException as error:
                self._failure = translate(error, "taking over partitions")
            except BaseException as error:
                self._failure = error

        return run

    def _raise_failure(self) -> None:
        if failure := self._failure:
            self._failure = None
            raise failure


def as_record(message: Message) -> Record:
    headers = tuple((name, value or b"") for name, value in message.headers() or ())
    return Record(Partition(message.topic(), message.partition()), message.offset(), message.key(), message.value() or b"", headers, message.timestamp()[1])


def _committed(client: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    found: list[TopicPartition] = client.committed(partitions, timeout=10)
    for partition in found:
        if partition.error:
            raise KafkaException(partition.error)
    return found


def _patiently(question: Callable[[], T]) -> T:
    """Asked again: when a broker dies, its partitions are assigned before everybody knows where they are. Raises KafkaException in the end."""
    patience = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, KafkaException) and not isinstance(translate(error, ""), CredentialsRefused)),
        stop=stop_after_delay(TAKE_OVER),
        wait=wait_random_exponential(multiplier=0.1, max=1),
        before_sleep=lambda state: log.warning("kafka_consumer", problem=f"taking over partitions: {state.outcome and state.outcome.exception()}"),
        reraise=True,
    )
    return patience(question)


def _bare(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.number)


def _bare_of(partition: TopicPartition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)
