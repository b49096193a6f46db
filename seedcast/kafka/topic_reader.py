"""Reading whole topics without a group: campaigns, results, dead letters."""

import time
from collections.abc import Iterator, Mapping

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from seedcast.errors import BrokerUnavailable, Fatal, TopicMismatch
from seedcast.kafka import client_config
from seedcast.kafka.error_mapping import map_client_errors, translate
from seedcast.kafka.records import Record, as_record
from seedcast.settings import Settings

BATCH = 1000


class TopicReader:
    """Follows every partition of one topic, from its beginning or from the offset that `starts` has for it."""

    def __init__(
        self, settings: Settings, topic: str, starts: Mapping[int, int] | None = None
    ) -> None:
        self._topic, self._patience = topic, settings.kafka.start_timeout
        with map_client_errors():
            self._client = Consumer(
                client_config.reader(settings.kafka), logger=client_config.LOGGER
            )
        partitions = _partitions(self._client, topic, settings.kafka.start_timeout)
        self._behind = set(partitions)
        self._client.assign(
            [TopicPartition(topic, p, (starts or {}).get(p, OFFSET_BEGINNING)) for p in partitions]
        )

    def __enter__(self) -> "TopicReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def caught_up(self) -> bool:
        """Whether every partition has been read to its end at least once."""
        return not self._behind

    def poll(self, timeout: float) -> list[Record]:
        """What arrived within `timeout` seconds; [] when nothing did."""
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
        """Every record that is there now. Raises BrokerUnavailable where nothing more comes for `kafka.start_timeout`."""
        heard, behind = time.monotonic(), len(self._behind)
        while not self.caught_up:
            records = self.poll(0.05)
            yield from records
            if records or len(self._behind) < behind:
                heard, behind = time.monotonic(), len(self._behind)
            elif time.monotonic() - heard > self._patience:
                raise BrokerUnavailable(
                    f"reading {self._topic}",
                    expected="all of it",
                    got=f"nothing more of {behind} partitions for {self._patience:g} s",
                )


def _partitions(client: Consumer, topic: str, timeout: float) -> list[int]:
    try:
        found = client.list_topics(topic, timeout=timeout).topics[topic]
    except KafkaException as error:
        raise translate(error, f"looking up {topic}") from error
    if found.error or not found.partitions:
        raise TopicMismatch(f"topic {topic} is missing", remedy="run `seedcast topics create`")
    return sorted(found.partitions)
