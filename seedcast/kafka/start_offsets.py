"""The offsets at which a group member starts: what the group committed, and where logs begin."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from seedcast.kafka.error_mapping import refuse_gap, translate, warn_if_truncated
from seedcast.kafka.log_ids import LogId, ask_log_ids
from seedcast.kafka.offset_state import describe, split
from seedcast.kafka.records import Partition
from seedcast.retry import BRIEF_BACKOFF, retry
from seedcast.settings import KafkaSettings

log = structlog.get_logger(__name__)
T = TypeVar("T")

LOOKUP_TIMEOUT = 40.0  # seconds to learn committed offsets; less than the watchdog's limit
LOG_START_TIMEOUT = 5.0  # seconds to learn where logs begin, for all partitions together


@dataclass(frozen=True)
class Committed:
    """What the group committed for a partition, and where the partition's log began."""

    offset: int | None  # the next offset to read; None: nothing was committed
    metadata: str  # the state beside the offset, without its stamp
    log_start: int | None = None  # None: it could not be looked up
    ignored: bool = False  # there was a state that belongs elsewhere

    @property
    def start(self) -> int | None:
        """The offset to read from. Without a commit, a group starts where the log begins."""
        return self.log_start if self.offset is None else self.offset

    @property
    def checkpoint(self) -> tuple[int, str] | None:
        """The offset and metadata that need no further commit.

        None if the start itself has to be committed: without that commit, an autoscaler would
        count the whole log as lag, and a state that was ignored would be met again.
        """
        if self.ignored or (self.offset is None and self.log_start is not None):
            return None
        return self.start or 0, self.metadata


def look_up(
    client: Consumer, kafka: KafkaSettings, partitions: Sequence[TopicPartition]
) -> tuple[dict[str, LogId], list[TopicPartition]]:
    """Return the ids of the topics, and the offsets that the group committed.

    Raises KafkaException after LOOKUP_TIMEOUT.
    """
    topics = {partition.topic for partition in partitions}
    return retry_lookup(
        lambda: (ask_log_ids(kafka, topics), _committed_offsets(client, list(partitions)))
    )


def committed(
    client: Consumer, found: Sequence[TopicPartition], ids: Mapping[str, LogId], rewind: bool
) -> dict[Partition, Committed]:
    """Return what the group committed for each partition, from what was looked up.

    With `rewind` the partitions are read from their beginnings anyway. Raises OffsetsLost.
    """
    deadline = time.monotonic() + LOG_START_TIMEOUT
    return {
        Partition(p.topic, p.partition): _checked(
            p, ids[p.topic], _log_start(client, p, deadline), rewind
        )
        for p in found
    }


def as_committed(
    found: TopicPartition, log_id: LogId | None, log_start: int | None = None
) -> Committed:
    """Return what was found, without a state that belongs to another offset or log; that is said.

    `log_id` may be None if there is no metadata.
    """
    offset, metadata = None if found.offset < 0 else found.offset, found.metadata or ""
    if offset is None or not metadata:
        return Committed(offset, "", log_start)
    place, state = split(metadata)
    here = log_id and log_id.place(found.partition, offset)
    if place and place == here:
        return Committed(offset, state, log_start)
    log.warning(
        "offset_state_ignored",
        topic=found.topic,
        partition=found.partition,
        expected=f"state of {here}",
        got=describe(metadata),
        next="what was done above the committed offset is done again",
    )
    return Committed(offset, "", log_start, ignored=True)


def _checked(
    partition: TopicPartition, log_id: LogId, log_start: int | None, rewind: bool
) -> Committed:
    found = as_committed(partition, log_id, log_start)
    if log_start is not None and found.offset is not None:
        refuse_gap(partition.topic, partition.partition, found.offset, log_start)
    elif log_start is not None and not rewind:
        warn_if_truncated(partition.topic, partition.partition, log_start)
    return found


def _committed_offsets(client: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    offsets: list[TopicPartition] = client.committed(partitions, timeout=10)
    for partition in offsets:
        if partition.error:
            raise KafkaException(partition.error)
    return offsets


def _log_start(client: Consumer, partition: TopicPartition, deadline: float) -> int | None:
    """Return where the log starts. None after the deadline: a leaderless partition must not block.

    A gap in such a partition shows with its first fetch.
    """
    seconds = max(0.1, deadline - time.monotonic())
    bare = TopicPartition(partition.topic, partition.partition)
    lookup = partial(client.get_watermark_offsets, bare, timeout=seconds)
    try:
        low, _ = retry_lookup(lookup, seconds)
    except KafkaException as error:
        log.warning(
            "partition_unreachable",
            topic=partition.topic,
            partition=partition.partition,
            problem=str(translate(error, "looking up where its log begins")),
        )
        return None
    return int(low)


def retry_lookup(lookup: Callable[[], T], seconds: float = LOOKUP_TIMEOUT) -> T:
    """Repeat a lookup; raise its KafkaException after `seconds`.

    When a broker dies, its partitions are assigned before their new leaders are known. Every
    error is taken as temporary, even one that is fatal elsewhere: a password may be rotated now.
    """
    return retry(
        lookup,
        seconds=seconds,
        boundary="broker",
        doing="taking over partitions",
        backoff=BRIEF_BACKOFF,
        retry_on=lambda error: isinstance(error, KafkaException),
    )
