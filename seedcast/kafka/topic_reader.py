"""Reads whole topics without a group: campaigns, results, dead letters."""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Self

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from seedcast.errors import BrokerUnavailable, Fatal, Retryable, SeedcastError, TopicMismatch
from seedcast.kafka import client_config
from seedcast.kafka.access import denied
from seedcast.kafka.client_config import PROMPT, TO_END, Fetch
from seedcast.kafka.client_errors import ClientErrors
from seedcast.kafka.error_mapping import in_mid_run, map_client_errors, translate
from seedcast.kafka.lost_brokers import LostBrokers
from seedcast.kafka.records import Record, as_record
from seedcast.retry import BRIEF_BACKOFF, retry
from seedcast.schemas.rights import Right
from seedcast.settings import KafkaSettings, Settings

log = structlog.get_logger(__name__)

BATCH = 1000  # records per poll, at most
POLL = 0.05  # seconds
LOOK_UP = 5.0  # seconds for one question about the topic


class TopicReader:
    """Follows every partition of one topic, from its beginning or from its offset in `starts`."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        starts: Mapping[int, int] | None = None,
        *,
        fetch: Fetch = TO_END,
        resets: bool = True,
    ) -> None:
        """Without `resets` a record that is deleted before it is read raises OffsetsLost."""
        self._kafka, self._topic, self._resets = settings.kafka, topic, resets
        self._timeout = settings.kafka.start_timeout
        self._ends: dict[int, int] = {}  # the offset after the last record, where it was reached
        self.fetch = fetch  # as it is now
        self._client, self._errors, self._brokers = _connect(settings.kafka, fetch, resets)
        partitions = retry(self._partitions, seconds=self._timeout, backoff=BRIEF_BACKOFF)
        self._behind = set(partitions)
        begin = dict.fromkeys(partitions, OFFSET_BEGINNING) | dict(starts or {})
        self._assign({partition: begin[partition] for partition in partitions})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    @property
    def caught_up(self) -> bool:
        """True once every partition has been read to its end."""
        return not self._behind

    def poll(self, timeout: float, *, at_once: bool = False) -> list[Record]:
        """Return the records that arrived within `timeout` seconds. Raises Fatal errors.

        With `at_once`, return as soon as there is one, with those that are there by then. Without,
        fewer than BATCH are waited for until the time is up.

        Once everything was read, a refusal is logged and waited out, as an outage is.
        """
        if self._brokers.lost:
            self._replace_client()
        records = []
        messages = self._client.consume(1, timeout) if at_once else []
        messages += self._client.consume(BATCH, 0 if at_once else timeout)
        self._errors.settle()
        for message in messages:
            error = message.error()
            if error is None:
                records.append(as_record(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                self._behind.discard(message.partition())
                self._ends[message.partition()] = message.offset()
            elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:  # it needs no group
                self._handle(error)
        return records

    def follow(self, fetch: Fetch = PROMPT) -> None:
        """Once caught up: ask the broker from now on as `fetch` says.

        It takes a new client, and what came after the end that was reached comes again. Raises,
        and changes nothing, where no client can be made: a token may be unavailable.
        """
        if fetch == self.fetch:
            return
        if self._behind:
            raise ValueError(f"{self._topic} is not read to its end yet")
        old = self._client
        self._client, self._errors, self._brokers = _connect(self._kafka, fetch, self._resets)
        self.fetch = fetch
        old.close()
        self._assign(self._ends)

    def behind(self, positions: Mapping[int, int]) -> int:
        """Return how many records follow these next offsets, as the last fetches told: no call."""
        return sum(max(0, self._end(number) - at) for number, at in positions.items())

    def _end(self, number: int) -> int:
        partition = TopicPartition(self._topic, number)
        return int(self._client.get_watermark_offsets(partition, cached=True)[1])

    def _replace_client(self) -> None:
        """Read on with a new client instead of one that has lost all its brokers."""
        old = self._client
        try:
            self._client, self._errors, self._brokers = _connect(
                self._kafka, self.fetch, self._resets
            )
        except Retryable as error:  # no token: the identity provider is away, too
            log.warning("kafka_client_lost", topic=self._topic, problem=str(error))
            self._brokers.restart()
            return
        log.warning("kafka_client_replaced", topic=self._topic, next="it reads on")
        at = old.position([TopicPartition(self._topic, number) for number in self._starts])
        read = {each.partition: each.offset for each in at if each.offset >= 0}
        threading.Thread(target=old.close, name="leave", daemon=True).start()
        self._assign(self._starts | read)

    def _assign(self, starts: Mapping[int, int]) -> None:
        self._starts = dict(starts)
        self._client.assign([TopicPartition(self._topic, p, at) for p, at in starts.items()])

    def _handle(self, error: KafkaError) -> None:
        right = Right("Read", "Topic", self._topic)
        mapped = translate(error, f"reading {self._topic}", self._kafka, right)
        if self.caught_up:
            mapped = in_mid_run(mapped)
            log.warning("kafka_reader", problem=str(mapped))
        if isinstance(mapped, Fatal):
            raise mapped

    def to_end(self) -> Iterator[Record]:
        """Yield every record that is on the topic now.

        Raises BrokerUnavailable if nothing more arrives for `kafka.start_timeout` seconds.
        """
        progress, behind = time.monotonic(), len(self._behind)
        while not self.caught_up:
            records = self.poll(POLL)
            yield from records
            if records or len(self._behind) < behind:
                progress, behind = time.monotonic(), len(self._behind)
            elif time.monotonic() - progress > self._timeout:
                raise BrokerUnavailable(
                    f"reading {self._topic}",
                    expected="records up to the end of every partition",
                    got=f"nothing more from {behind} partitions for {self._timeout:g} s",
                )

    def _partitions(self) -> list[int]:
        """Raises TopicMismatch, AccessDenied, CredentialsRefused, BrokerUnavailable."""
        try:
            seconds = min(LOOK_UP, self._timeout)
            metadata = self._client.list_topics(self._topic, timeout=seconds).topics[self._topic]
        except KafkaException as error:
            raise self._no_answer(error) from error
        if metadata.error and metadata.error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            right = Right("Read", "Topic", self._topic)
            raise denied(self._kafka, [right], f"looking up {self._topic}")
        if metadata.error or not metadata.partitions:
            raise TopicMismatch(
                f"topic {self._topic} is missing", remedy="run `seedcast topics create`"
            )
        return sorted(metadata.partitions)

    def _no_answer(self, error: KafkaException) -> SeedcastError:
        """Return why: the call itself only times out, and the client reports the cause."""
        self._client.poll(0)
        if self._errors.refused:
            return self._errors.refused
        if problem := self._errors.problem:
            return BrokerUnavailable(
                f"looking up {self._topic}: {problem.what}", got=problem.got, remedy=problem.remedy
            )
        return translate(error, f"looking up {self._topic}")


def _connect(
    kafka: KafkaSettings, fetch: Fetch, resets: bool
) -> tuple[Consumer, ClientErrors, LostBrokers]:
    errors, brokers = ClientErrors(kafka), LostBrokers()
    properties = client_config.reader(kafka, fetch) | {"error_cb": errors} | brokers.properties()
    properties |= {} if resets else {"auto.offset.reset": "error"}
    with map_client_errors():
        client = Consumer(properties, logger=client_config.LOGGER)
    errors.client = client
    return client, errors, brokers
