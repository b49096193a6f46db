"""Sends staged rows to the requests topics, and waits for their acknowledgement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from seedcast.errors import CredentialsRefused, Poison, Retryable, SeedcastError
from seedcast.failpoints import failpoint
from seedcast.kafka import Producer, partitioner
from seedcast.schemas.topics import LANES
from seedcast.settings import Settings
from seedcast.storage.staged_lists import StagedRow

FLUSH = 0.1  # seconds between two looks at whether to go on
GRACE = 2.0  # seconds in which what is sent may still be acknowledged, once the term is over


@dataclass
class Delivery:
    """What became of a chunk."""

    rows: Sequence[StagedRow]
    acknowledged: int = 0
    refused: list[StagedRow] = field(default_factory=list)
    error: SeedcastError | None = None  # of the first one refused

    @property
    def unsent(self) -> list[StagedRow]:
        """The rows that the broker has not acknowledged; all if some are in doubt."""
        answered = self.acknowledged + len(self.refused)
        return self.refused if answered == len(self.rows) else list(self.rows)

    def take(self, row: StagedRow, error: SeedcastError | None) -> None:
        if error is None:
            self.acknowledged += 1
            return
        self.refused.append(row)
        self.error = self.error or error


class Publisher:
    def __init__(self, settings: Settings, producer: Producer, partitions: dict[str, int]) -> None:
        """`partitions`: how many each topic has, by full name."""
        self._producer, self._partitions = producer, partitions
        self._spread = settings.kafka.spread
        self._topics = {priority: settings.topic(lane.requests) for priority, lane in LANES.items()}

    def publish(
        self, rows: Sequence[StagedRow], spread: int | None, goes_on: Callable[[], bool]
    ) -> Delivery:
        """Return once every row is acknowledged or refused, or soon after `goes_on` is False.

        What is in doubt then may be sent all the same.
        """
        delivery = Delivery(rows)
        for row in rows:
            self._send(row, self._spread if spread is None else spread, delivery)
        failpoint("feeder.sent")
        while self._producer.flush(FLUSH):
            if not goes_on():
                self._producer.flush(GRACE)
                self._producer.abandon()
                break
        if isinstance(delivery.error, CredentialsRefused):
            self._ask_again(delivery.refused)
        return delivery

    def _send(self, row: StagedRow, spread: int, delivery: Delivery) -> None:
        topic, key = self._topics[row.priority], partitioner.key(row.voice_seed)
        partition = partitioner.partition(
            key, row.request_id.encode(), spread, self._partitions[topic]
        )
        report = partial(delivery.take, row)
        try:
            self._producer.send(
                topic, key=key, value=row.value, on_delivery=report, partition=partition
            )
        except (Poison, Retryable, CredentialsRefused) as error:  # refused a moment ago
            report(error)

    def _ask_again(self, refused: Sequence[StagedRow]) -> None:
        """Let the client forget that we may not write to these topics: rights are restored."""
        for topic in {self._topics[row.priority] for row in refused}:
            self._producer.refresh(topic)
