"""Reads the results topic in batches, from the offsets that the index gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from seedcast import metrics
from seedcast.campaigns.progress import decode_readable
from seedcast.kafka import Record, TopicReader
from seedcast.kafka.client_config import Fetch
from seedcast.schemas.topics import MIB, RESULTS
from seedcast.settings import Settings
from seedcast.storage.index.writer import StoredResult

WAIT = 0.5  # seconds for the first results of a batch
FETCH = Fetch(1000, MIB)  # one a second, and not one per result
SIZE = 5000  # results of a batch, about


@dataclass
class Batch:
    moved: dict[int, tuple[int, int]] = field(default_factory=dict)  # by partition: from, to
    results: list[StoredResult] = field(default_factory=list)
    latest_ms: int = 0  # timestamp of the latest record

    def __bool__(self) -> bool:
        return bool(self.moved)


class Results:
    def __init__(self, settings: Settings, positions: Mapping[int, int]) -> None:
        """`positions`: partition → the next offset to read."""
        # A reset would jump over what is lost: that ends the process instead.
        topic = settings.topic(RESULTS)
        self._reader = TopicReader(settings, topic, positions, fetch=FETCH, resets=False)
        self.latest_ms = 0  # timestamp of the latest record that is in the index

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def read(self, positions: Mapping[int, int]) -> Batch:
        """Return what is next, empty if nothing comes in time. Raises the broker's errors.

        A record that is no result is logged, and passed.
        """
        batch = Batch()
        records = self._reader.poll(WAIT)
        while records:
            for record in records:
                _add(batch, record, positions)
            records = self._reader.poll(0.0) if len(batch.results) < SIZE else []
        return batch

    def count(self, batch: Batch) -> None:
        """Call it when the batch is in the index."""
        metrics.INDEXED_RESULTS.inc(len(batch.results))
        self.latest_ms = max(self.latest_ms, batch.latest_ms)

    def behind(self, positions: Mapping[int, int]) -> int:
        """Return how many records follow these positions, as far as the broker has told."""
        return self._reader.behind(positions)


def _add(batch: Batch, record: Record, positions: Mapping[int, int]) -> None:
    number = record.partition.number
    if number not in positions:  # a partition that has just been added: the next term reads it
        return
    begin, _ = batch.moved.get(number, (positions[number], 0))
    batch.moved[number] = begin, record.offset + 1
    batch.latest_ms = max(batch.latest_ms, record.timestamp_ms)
    if (result := decode_readable(record)) is not None:
        batch.results.append(StoredResult(result, record.value, record.timestamp_ms))
