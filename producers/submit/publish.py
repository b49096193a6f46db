"""Requests to Kafka in batches, and which batches are acknowledged."""

from collections.abc import Iterable
from functools import partial

from schemas.messages import SpeechRequest
from schemas.topics import REQUESTS, REQUESTS_URGENT
from seedcast.errors import SeedcastError
from seedcast.kafka import Producer, partitioner
from seedcast.settings import Settings

PARTING = 5.0  # seconds for what is queued, when the run is interrupted


class Publisher:
    def __init__(
        self, settings: Settings, producer: Producer, partitions: dict[str, int], spread: int
    ) -> None:
        """`partitions`: how many each topic has, by full name."""
        self._producer, self._spread = producer, spread
        self._normal, self._urgent = settings.topic(REQUESTS), settings.topic(REQUESTS_URGENT)
        self._partitions = partitions
        self._left: dict[int, int] = {}  # by batch, what is not acknowledged
        self._failure: SeedcastError | None = None
        self.acknowledged = 0

    def publish(self, batch: int, requests: Iterable[tuple[SpeechRequest, bytes]]) -> None:
        """Blocks while librdkafka's queue is full."""
        done = partial(self._delivered, batch)
        encoded = list(requests)
        self._left[batch] = len(encoded)
        for request, value in encoded:
            topic = self._urgent if request.priority == "urgent" else self._normal
            key = partitioner.key(request.voice_seed)
            place = partitioner.partition(
                key, request.request_id.encode(), self._spread, self._partitions[topic]
            )
            self._producer.send(topic, key=key, value=value, on_delivery=done, partition=place)
        self._producer.poll()

    def finished(self) -> list[int]:
        """Batches that were acknowledged in full since the last call."""
        finished = [batch for batch, left in self._left.items() if not left]
        for batch in finished:
            del self._left[batch]
        return finished

    def check(self) -> None:
        """Raises what the broker said of the first record that it refused."""
        if self._failure:
            raise self._failure

    def wait(self, timeout: float) -> bool:
        """Whether all is delivered after at most `timeout` seconds; the broker is waited for as long as the caller asks again."""
        return self._producer.flush(timeout) == 0

    def part(self) -> None:
        """Gives what is queued a last chance, and drops the rest."""
        self._producer.flush(PARTING)
        self._producer.abandon()

    def _delivered(self, batch: int, error: SeedcastError | None) -> None:
        if error:
            self._failure = self._failure or error
        else:
            self._left[batch] -= 1
            self.acknowledged += 1
