"""What a member learns of the partitions that it is given: what the group left of them, and where their logs begin."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from seedcast.errors import CredentialsRefused
from seedcast.kafka.error_mapping import refuse_gap, translate, warn_if_truncated
from seedcast.kafka.records import Partition

log = structlog.get_logger(__name__)
T = TypeVar("T")

TAKE_OVER = (
    40.0  # seconds in which the offsets of partitions must become known; less than the watchdog's
)
LOOK = 5.0  # seconds for a look at where logs begin, all of them together


@dataclass(frozen=True)
class Committed:
    """What the group left behind: the next offset to read (None: nothing yet) and its metadata."""

    offset: int | None
    metadata: str
    begins: int | None = None  # where the log began when that was asked; None: nobody could say

    @property
    def start(self) -> int | None:
        """A group that left nothing starts where the log begins."""
        return self.begins if self.offset is None else self.offset

    @property
    def held(self) -> tuple[int, str] | None:
        """What need not be committed again. None: where it starts is still to be committed, else an autoscaler takes all of the log for lag."""
        return (
            None
            if self.offset is None and self.begins is not None
            else (self.start or 0, self.metadata)
        )


def committed(
    client: Consumer, partitions: Sequence[TopicPartition], rewind: bool
) -> dict[Partition, Committed]:
    """What the group left of each; `rewind`: it is read from its beginning anyway. Raises OffsetsLost, and KafkaException when the time is over."""
    found = retry_lookup(partial(_offsets, client, list(partitions)))
    until = time.monotonic() + LOOK
    return {
        Partition(place.topic, place.partition): _checked(
            place, _begins(client, place, until), rewind
        )
        for place in found
    }


def _checked(place: TopicPartition, begins: int | None, rewind: bool) -> Committed:
    left = Committed(None if place.offset < 0 else place.offset, place.metadata or "", begins)
    if begins is not None and left.offset is not None:
        refuse_gap(place.topic, place.partition, left.offset, begins)
    elif begins is not None and not rewind:
        warn_if_truncated(place.topic, place.partition, begins)
    return left


def _offsets(client: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    found: list[TopicPartition] = client.committed(partitions, timeout=10)
    for partition in found:
        if partition.error:
            raise KafkaException(partition.error)
    return found


def _begins(client: Consumer, partition: TopicPartition, until: float) -> int | None:
    """None where nobody can say in time: one partition without a leader must not keep the others from being read. A gap in it shows with its first fetch."""
    left = max(0.1, until - time.monotonic())
    try:
        low, _ = retry_lookup(
            partial(
                client.get_watermark_offsets,
                TopicPartition(partition.topic, partition.partition),
                timeout=left,
            ),
            left,
        )
    except KafkaException as error:
        log.warning(
            "partition_unreachable",
            topic=partition.topic,
            partition=partition.partition,
            problem=str(translate(error, "looking up where it begins")),
        )
        return None
    return int(low)


def retry_lookup(question: Callable[[], T], seconds: float = TAKE_OVER) -> T:
    """Asked again: when a broker dies, its partitions are assigned before everybody knows where they are. Raises KafkaException in the end."""
    patience = Retrying(
        retry=retry_if_exception(
            lambda error: (
                isinstance(error, KafkaException)
                and not isinstance(translate(error, ""), CredentialsRefused)
            )
        ),
        stop=stop_after_delay(seconds),
        wait=wait_random_exponential(multiplier=0.1, max=1),
        before_sleep=lambda state: log.warning(
            "kafka_consumer",
            problem=f"taking over partitions: {state.outcome and state.outcome.exception()}",
        ),
        reraise=True,
    )
    return patience(question)
