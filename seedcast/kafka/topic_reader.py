"""Reads whole topics without a group: campaigns, results, dead letters."""

import time
from collections.abc import Iterator, Mapping
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from seedcast.errors import BrokerUnavailable, Fatal, TopicMismatch
from seedcast.kafka import client_config
from seedcast.kafka.error_mapping import map_client_errors, translate
from seedcast.kafka.records import Record, as_record
from seedcast.settings import Settings

BATCH = 1000  # records per poll, at most
POLL = 0.05  # seconds


class TopicReader:
    """Follows every partition of one topic, from its beginning or from its offset in `starts`."""

    def __init__(
        self, settings: Settings, topic: str, starts: Mapping[int, int] | None = None
    ) -> None:
        self._topic, self._timeout = topic, settings.kafka.start_timeout
        with map_client_errors():
            self._client = Consumer(
                client_config.reader(settings.kafka), logger=client_config.LOGGER
            )
        partitions = _partitions(self._client, topic, self._timeout)
        self._behind = set(partitions)
        begin = dict.fromkeys(partitions, OFFSET_BEGINNING) | dict(starts or {})
        self._client.assign([TopicPartition(topic, p, begin[p]) for p in partitions])

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

    def poll(self, timeout: float) -> list[Record]:
        """Return the records that arrived within `timeout` seconds. Raises Fatal errors."""
        records = []
        for message in self._client.consume(BATCH, timeout):
            error = message.error()
            if error is None:
                records.append(as_record(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                self._behind.discard(message.partition())
            elif isinstance(mapped := translate(error, f"reading {self._topic}"), Fatal):
                raise mapped
        return records

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


def _partitions(client: Consumer, topic: str, timeout: float) -> list[int]:
    try:
        metadata = client.list_topics(topic, timeout=timeout).topics[topic]
    except KafkaException as error:
        raise translate(error, f"looking up {topic}") from error
    if metadata.error or not metadata.partitions:
        raise TopicMismatch(f"topic {topic} is missing", remedy="run `seedcast topics create`")
    return sorted(metadata.partitions)
