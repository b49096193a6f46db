"""Sends requests to Kafka in batches, and tells which batches are acknowledged."""

from collections.abc import Iterable
from functools import partial

from seedcast.errors import SeedcastError
from seedcast.kafka import Producer, partitioner
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.topics import LANES
from seedcast.settings import Settings

PARTING = 5.0  # seconds to deliver what is queued when the run is interrupted


class Publisher:
    def __init__(
        self, settings: Settings, producer: Producer, partitions: dict[str, int], spread: int
    ) -> None:
        """`partitions`: how many each topic has, by full name."""
        self._producer, self._spread = producer, spread
        self._topics = {priority: settings.topic(lane.requests) for priority, lane in LANES.items()}
        self._partitions = partitions
        self._left: dict[int, int] = {}  # by batch, requests not acknowledged yet
        self._failure: SeedcastError | None = None
        self.acknowledged = 0

    def publish(self, batch: int, requests: Iterable[tuple[SpeechRequest, bytes]]) -> None:
        """Blocks while librdkafka's queue is full."""
        done = partial(self._delivered, batch)
        encoded = list(requests)
        self._left[batch] = len(encoded)
        for request, value in encoded:
            topic = self._topics[request.priority]
            key = partitioner.key(request.voice_seed)
            partition = partitioner.partition(
                key, request.request_id.encode(), self._spread, self._partitions[topic]
            )
            self._producer.send(topic, key=key, value=value, on_delivery=done, partition=partition)
        self._producer.poll()

    def finished(self) -> list[int]:
        """Return the batches that were acknowledged in full since the last call."""
        finished = [batch for batch, left in self._left.items() if not left]
        for batch in finished:
            del self._left[batch]
        return finished

    def check(self) -> None:
        """Raises the broker's error for the first record that it refused."""
        if self._failure:
            raise self._failure

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds; True if everything is delivered.

        To wait for a broker that is unavailable, call this again.
        """
        return self._producer.flush(timeout) == 0

    def part(self) -> None:
        """Wait PARTING seconds for what is queued, and drop the rest."""
        self._producer.flush(PARTING)
        self._producer.abandon()

    def _delivered(self, batch: int, error: SeedcastError | None) -> None:
        if error:
            self._failure = self._failure or error
        else:
            self._left[batch] -= 1
            self.acknowledged += 1
