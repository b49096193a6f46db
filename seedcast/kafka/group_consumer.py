"""A member of a consumer group: one polling thread, offsets committed by the caller."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import ParamSpec

import structlog
from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from seedcast.errors import Fatal, OffsetsLost, SeedcastError
from seedcast.kafka import client_config
from seedcast.kafka.error_mapping import map_client_errors, refuse_gap, translate
from seedcast.kafka.records import Partition, Record, as_record
from seedcast.kafka.start_offsets import Committed, committed
from seedcast.settings import Settings

log = structlog.get_logger(__name__)
P = ParamSpec("P")

LEAVE = 5.0  # seconds in which partitions are given up
SERVE = 0.1  # seconds in which a rebalance is served


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
        self._on_assign, self._on_revoke, self._on_lost, self._on_commit = (
            on_assign,
            on_revoke,
            on_lost,
            on_commit,
        )
        self._failure: BaseException | None = None
        self._committing = False  # whether an asynchronous commit is under way
        self._closing = self._left = self._gone = (
            False  # nothing is taken over; closed; nobody waits for callbacks any more
        )
        with map_client_errors():
            self._client = Consumer(
                client_config.consumer(settings.kafka, group)
                | {"on_commit": self._guard(self._noted)},
                logger=client_config.LOGGER,
            )
        self._client.subscribe(
            list(topics),
            on_assign=self._guard(self._assign),
            on_revoke=self._guard(self._revoke),
            on_lost=self._guard(self._lose),
        )

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
                raise translate(
                    result.error, f"committing offset of {result.topic}[{result.partition}]"
                )

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
            raise translate(
                error, f"going back in {partition.topic}[{partition.number}]"
            ) from error

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
            log.warning(
                "leave_timed_out", seconds=LEAVE, next="the group waits for the session's end"
            )

    def _commit(self, offsets: Offsets, asynchronous: bool) -> list[TopicPartition]:
        places = [
            TopicPartition(p.topic, p.number, offset, metadata)
            for p, (offset, metadata) in offsets.items()
        ]
        try:
            return self._client.commit(offsets=places, asynchronous=asynchronous) or []
        except KafkaException as error:
            raise translate(error, "committing offsets") from error

    def _noted(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._committing = False
        failed = error or next((p.error for p in partitions if p.error), None)
        done = (
            {}
            if error
            else {
                Partition(p.topic, p.partition): (p.offset, p.metadata or "")
                for p in partitions
                if not p.error
            }
        )
        self._on_commit(done, translate(failed, "committing offsets") if failed else None)

    def _count_gap(self, message: Message) -> None:
        """Raises OffsetsLost that says how many are gone, where that can be told."""
        with suppress(KafkaException):
            low, _ = self._client.get_watermark_offsets(
                TopicPartition(message.topic(), message.partition()), timeout=10
            )
            refuse_gap(message.topic(), message.partition(), message.offset(), low)

    def _assign(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._take_over(client, partitions)
        except BaseException:
            client.incremental_assign(
                _unread(partitions)
            )  # an assignment that nobody answers keeps the process from ending (measured)
            raise

    def _take_over(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        if (
            self._closing
        ):  # there is no time for questions; and what is not assigned cannot be taken back
            client.incremental_assign(_unread(partitions))
            return
        left = committed(client, partitions, self._rewind)
        self._on_assign(left)
        starts = {
            place: OFFSET_BEGINNING if self._rewind or found.start is None else found.start
            for place, found in left.items()
        }
        client.incremental_assign(
            [TopicPartition(place.topic, place.number, start) for place, start in starts.items()]
        )
        client.resume(
            [_bare(place) for place in left]
        )  # one that was paused when it was lost would stay so (measured)

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


def _bare(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.number)


def _unread(partitions: list[TopicPartition]) -> list[TopicPartition]:
    """From their ends, whatever the group left of them."""
    return [TopicPartition(p.topic, p.partition, OFFSET_END) for p in partitions]
