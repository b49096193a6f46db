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

from seedcast import metrics
from seedcast.errors import BrokerUnavailable, Fatal, OffsetsLost, Retryable, SeedcastError
from seedcast.kafka import client_config
from seedcast.kafka.client_errors import ClientErrors
from seedcast.kafka.error_mapping import in_mid_run, map_client_errors, refuse_gap, translate
from seedcast.kafka.log_ids import LogId
from seedcast.kafka.lost_brokers import LostBrokers
from seedcast.kafka.offset_state import split, stamp
from seedcast.kafka.records import Partition, Record, as_record
from seedcast.kafka.start_offsets import Committed, committed, look_up
from seedcast.schemas.rights import Right
from seedcast.settings import Settings

log = structlog.get_logger(__name__)
P = ParamSpec("P")

LEAVE_TIMEOUT = 5.0  # seconds to give up partitions and close
SERVE = 0.1  # seconds per poll that serves a rebalance
LOST = BrokerUnavailable(
    "the Kafka client has lost all its brokers", remedy="a new client joins the group again"
)

OnAssign = Callable[[dict[Partition, Committed]], None]
OnRevoke = Callable[[Sequence[Partition]], None]
Offsets = dict[Partition, tuple[int, str]]  # the next offset to read, and the state beside it
OnCommit = Callable[[Offsets, SeedcastError | None], None]


class GroupConsumer:
    """`on_revoke` runs while the partitions are still owned: commit there.

    `on_lost` runs once they are gone: after `on_revoke`, or alone if the group has already taken
    them away.
    `on_commit` learns what an asynchronous commit committed, and its error.

    The state that is committed beside an offset reaches the next owner only with that offset of
    that log: see offset_state.

    Whoever makes one has compared its rights before (Admin.require). What is refused later is
    Retryable: passwords are rotated, and rights restored.

    A client that has lost all its brokers (see lost_brokers) is replaced by a new one, which joins
    the group again: to the caller, its partitions were lost.
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
        """With `rewind`, read every partition from its beginning.

        `on_assign` still learns what was committed.
        """
        self._rewind, self._kafka, self._group = rewind, settings.kafka, group
        self._topics = list(topics)
        self._ids: dict[str, LogId] = {}  # by topic, as of the last assignment
        self._on_assign, self._on_revoke = on_assign, on_revoke
        self._on_lost, self._on_commit = on_lost, on_commit
        self._failure: BaseException | None = None  # of a callback
        self._committing = False  # an asynchronous commit is under way
        self._leaving = self._closed = False
        self._abandoned = False  # `close` timed out: ignore further callbacks
        self._generation = 0  # how many clients there have been
        self._connect()

    def poll(self, limit: int, timeout: float = 0.0) -> Iterator[Record]:
        """Yield up to `limit` records; wait only for the first.

        Raises OffsetsLost and other Fatal errors.
        """
        if self._brokers.lost and not self._leaving:
            self._replace_client()
        for _ in range(limit):
            message = self._client.poll(timeout)
            self._errors.settle()
            self._raise_failure()
            if message is None:
                return
            timeout = 0.0
            if error := message.error():
                self._handle(error, message)
            else:
                yield as_record(message)

    def commit_sync(self, offsets: Offsets) -> None:
        """Commit and wait for the answer; for `on_revoke` only. Raises SeedcastError.

        Elsewhere, a rebalance makes it wait for other members.
        """
        for result in self._commit(offsets, asynchronous=False):
            if result.error:
                doing = f"committing offset of {result.topic}[{result.partition}]"
                raise self._translate(result.error, doing)

    def commit_async(self, offsets: Offsets) -> None:
        """Commit asynchronously, unless a commit is under way. Raises SeedcastError.

        `on_commit` runs in a later `poll`.
        """
        if not self._committing:
            self._commit(offsets, asynchronous=True)
            self._committing = True

    def pause(self, partition: Partition) -> None:
        self._client.pause([_bare(partition)])

    def resume(self, partition: Partition) -> None:
        self._client.resume([_bare(partition)])

    def at_end(self, positions: dict[Partition, int]) -> bool:
        """Return True if nothing follows these positions (next offsets). Raises SeedcastError."""
        try:
            for partition, position in positions.items():
                low, high = self._client.get_watermark_offsets(_bare(partition), timeout=10)
                if low < high and position < high:
                    return False
        except KafkaException as error:
            raise translate(error, "looking up the end of partitions") from error
        return True

    def stop_taking_over(self) -> None:
        """Read no partition that is assigned from now on; call it before `close`."""
        self._leaving = True

    def close(self) -> None:
        """Leave the group within LEAVE_TIMEOUT; `on_revoke` and `on_lost` run first.

        A failure is logged: the partitions are lost either way.

        Every pending rebalance is served before librdkafka's own close: with two pending, that
        close never returns (measured; librdkafka issue 4041). It also waits without limit for a
        commit that is under way while the broker is away, so it runs in a thread that may be left
        behind.
        """
        if self._closed:
            return
        self._closed = True
        self.stop_taking_over()
        deadline = time.monotonic() + LEAVE_TIMEOUT
        self._client.unsubscribe()
        self._client.poll(SERVE)
        while self._client.assignment() and time.monotonic() < deadline:
            self._client.poll(SERVE)
        closing = threading.Thread(target=self._client.close, name="leave", daemon=True)
        closing.start()
        closing.join(max(SERVE, deadline - time.monotonic()))
        if self._failure:
            log.warning("kafka_consumer", problem=str(self._failure))
        if closing.is_alive():
            self._abandoned = True
            log.warning(
                "leave_timed_out",
                seconds=LEAVE_TIMEOUT,
                next="the group reassigns its partitions after the session timeout",
            )

    def _connect(self) -> None:
        """Join the group with a new client. Callbacks of the one before are no longer heard."""
        config = client_config.consumer(self._kafka, self._group)
        self._generation += 1
        self._errors, self._brokers = ClientErrors(self._kafka), LostBrokers()
        config |= {"on_commit": self._guard(self._committed), "error_cb": self._errors}
        config |= self._brokers.properties()
        with map_client_errors():
            self._client = Consumer(config, logger=client_config.LOGGER)
        self._errors.client = self._client
        self._client.subscribe(
            self._topics,
            on_assign=self._guard(self._assign),
            on_revoke=self._guard(self._revoke),
            on_lost=self._guard(self._lose),
        )

    def _replace_client(self) -> None:
        """Join the group with a new client instead of one that has lost all its brokers."""
        old = self._client
        try:
            self._connect()
        except Retryable as error:  # no token: the identity provider is away, too
            log.warning("kafka_client_lost", group=self._group, problem=str(error))
            self._brokers.restart()
            return
        log.warning("kafka_client_replaced", group=self._group, problem=LOST.what, next=LOST.remedy)
        metrics.RETRIES.labels("broker").inc()
        owned = [Partition(p.topic, p.partition) for p in old.assignment()]
        # In a thread: it waits without limit for a commit that is under way.
        threading.Thread(target=old.close, name="leave", daemon=True).start()
        if self._committing:
            self._committing = False
            self._on_commit({}, LOST)
        if owned:
            self._on_lost(owned)

    def _handle(self, error: KafkaError, message: Message) -> None:
        """Raises Fatal errors; logs the others."""
        mapped = self._translate(error, "consuming", message.topic())
        if isinstance(mapped, OffsetsLost):
            self._refuse_gap(message)
        if isinstance(mapped, Fatal):
            raise mapped
        log.warning("kafka_consumer", problem=str(mapped))

    def _refuse_gap(self, message: Message) -> None:
        """Raises OffsetsLost with the number of lost records, if it can be looked up."""
        partition = TopicPartition(message.topic(), message.partition())
        with suppress(KafkaException):
            low, _ = self._client.get_watermark_offsets(partition, timeout=10)
            refuse_gap(message.topic(), message.partition(), message.offset(), low)

    def _commit(self, offsets: Offsets, asynchronous: bool) -> list[TopicPartition]:
        partitions = [
            TopicPartition(p.topic, p.number, offset, self._stamped(p, offset, state))
            for p, (offset, state) in offsets.items()
        ]
        try:
            return self._client.commit(offsets=partitions, asynchronous=asynchronous) or []
        except KafkaException as error:
            raise self._translate(error, "committing offsets") from error

    def _stamped(self, partition: Partition, offset: int, state: str) -> str:
        if not state:
            return ""
        return stamp(state, self._ids[partition.topic].place(partition.number, offset))

    def _committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._committing = False
        failed = error or next((p.error for p in partitions if p.error), None)
        successes = [] if error else [p for p in partitions if not p.error]
        offsets = {
            Partition(p.topic, p.partition): (p.offset, split(p.metadata or "")[1])
            for p in successes
        }
        self._on_commit(offsets, self._translate(failed, "committing offsets") if failed else None)

    def _assign(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._take_over(client, partitions)
        except BaseException:
            # Every assignment needs an assign() call, or the process cannot exit (measured).
            client.incremental_assign(_at_end(partitions))
            raise

    def _take_over(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        if self._leaving:
            # No time to look up offsets; and what is not assigned cannot be revoked.
            client.incremental_assign(_at_end(partitions))
            return
        ids, found = look_up(client, self._kafka, partitions)
        self._ids |= ids
        offsets = committed(client, found, ids, self._rewind)
        self._on_assign(offsets)
        client.incremental_assign(
            [TopicPartition(p.topic, p.number, self._start(c)) for p, c in offsets.items()]
        )
        # A partition that was paused when it was lost would stay paused (measured).
        client.resume([_bare(partition) for partition in offsets])

    def _start(self, offsets: Committed) -> int:
        if self._rewind or offsets.start is None:
            return int(OFFSET_BEGINNING)
        return offsets.start

    def _revoke(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        revoked = [Partition(p.topic, p.partition) for p in partitions]
        try:
            self._on_revoke(revoked)
        finally:  # even after a failure they are no longer this member's to commit
            self._on_lost(revoked)

    def _lose(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        self._on_lost([Partition(p.topic, p.partition) for p in partitions])

    def _guard(self, callback: Callable[P, None]) -> Callable[P, None]:
        """Keep a callback's exception for the poll that runs it: it would be lost in C."""
        generation = self._generation

        def run(*arguments: P.args, **named: P.kwargs) -> None:
            if self._abandoned or generation != self._generation:
                return
            try:
                callback(*arguments, **named)
            except KafkaException as error:
                self._failure = self._translate(error, "in a rebalance")
            except BaseException as error:
                self._failure = error

        return run

    def _translate(
        self, error: KafkaError | KafkaException, doing: str, topic: str | None = None
    ) -> SeedcastError:
        inner = error.args[0] if isinstance(error, KafkaException) else error
        if inner.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED and topic:
            right = Right("Read", "Topic", topic)
        else:
            right = Right("Read", "Group", self._group)
        return in_mid_run(translate(error, doing, self._kafka, right))

    def _raise_failure(self) -> None:
        if failure := self._failure:
            self._failure = None
            raise failure


def _bare(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.number)


def _at_end(partitions: list[TopicPartition]) -> list[TopicPartition]:
    """The same partitions from their ends, so that nothing of them is read."""
    return [TopicPartition(p.topic, p.partition, OFFSET_END) for p in partitions]
