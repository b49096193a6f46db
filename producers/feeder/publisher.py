"""Sends staged rows to the requests topics, and waits for their acknowledgement."""

from collections.abc import Callable, Sequence

from seedcast.errors import SeedcastError
from seedcast.failpoints import failpoint
from seedcast.kafka import Producer, partitioner
from seedcast.schemas.topics import LANES
from seedcast.settings import Settings
from seedcast.storage.staged_lists import StagedRow

FLUSH = 0.1  # seconds between two looks at whether to go on


class Publisher:
    def __init__(self, settings: Settings, producer: Producer, partitions: dict[str, int]) -> None:
        """`partitions`: how many each topic has, by full name."""
        self._producer, self._partitions = producer, partitions
        self._spread = settings.kafka.spread
        self._topics = {priority: settings.topic(lane.requests) for priority, lane in LANES.items()}
        self._failure: SeedcastError | None = None

    def publish(
        self, rows: Sequence[StagedRow], spread: int | None, goes_on: Callable[[], bool]
    ) -> bool:
        """Return True once every row is acknowledged, False if `goes_on` was False before that.

        Then some of them may be sent all the same. Raises the broker's error for the first record
        that it refused.
        """
        self._failure = None
        for row in rows:
            self._send(row, self._spread if spread is None else spread)
        failpoint("feeder.sent")
        while self._producer.flush(FLUSH):
            if not goes_on():
                self._producer.abandon()
                return False
        if self._failure:
            raise self._failure
        return True

    def _send(self, row: StagedRow, spread: int) -> None:
        topic, key = self._topics[row.priority], partitioner.key(row.voice_seed)
        partition = partitioner.partition(
            key, row.request_id.encode(), spread, self._partitions[topic]
        )
        self._producer.send(
            topic, key=key, value=row.value, on_delivery=self._delivered, partition=partition
        )

    def _delivered(self, error: SeedcastError | None) -> None:
        self._failure = self._failure or error
