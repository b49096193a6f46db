"""What the consumer groups have committed, at one moment: which offsets no worker will read again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    REQUESTS,
    REQUESTS_PARKED,
    REQUESTS_URGENT,
    TOPICS,
    Topic,
)
from seedcast.kafka import Admin, Committed, Partition, offset_bitmap
from seedcast.settings import Settings

# By the names that the rooms above give them.
GROUPS: dict[str, tuple[Topic, ...]] = {
    "gpu-consumers": (REQUESTS, REQUESTS_URGENT),
    "parking": (REQUESTS_PARKED,),
    "postprocess": (AUDIO, AUDIO_URGENT),
}


@dataclass(frozen=True)
class Gap:
    """Offsets of a partition that retention deleted, or that were deleted by hand."""

    partition: Partition
    offsets: int
    unread: int  # of these, by the group of ours that reads the topic


class CommittedOffsets:
    """Of parked requests only the watermark is judged: what is above it counts as waiting."""

    def __init__(self, committed: Mapping[Partition, Committed]) -> None:
        self._watermarks = {partition: left.offset or 0 for partition, left in committed.items()}
        self._done = {  # at most 24,000 offsets a partition
            partition: frozenset(offset_bitmap.decode(self._watermarks[partition], left.metadata))
            for partition, left in committed.items()
        }

    @classmethod
    def read(cls, settings: Settings, admin: Admin) -> "CommittedOffsets":
        committed: dict[Partition, Committed] = {}
        for group, topics in GROUPS.items():
            names = {settings.topic(topic) for topic in topics}
            committed |= {
                partition: left
                for partition, left in admin.committed(settings.group(group)).items()
                if partition.topic in names
            }
        return cls(committed)

    def has(self, partition: Partition, offset: int) -> bool:
        """Whether the group calls this offset done."""
        return offset < self.watermark(partition) or offset in self._done.get(partition, ())

    def watermark(self, partition: Partition) -> int:
        return self._watermarks.get(partition, 0)

    def watermarks(self, topic: str) -> dict[int, int]:
        """By partition number, for the topic of that full name."""
        return {
            partition.number: watermark
            for partition, watermark in self._watermarks.items()
            if partition.topic == topic
        }


class Logs:
    """Where the logs of the topics begin, and what is no longer there."""

    def __init__(
        self,
        settings: Settings,
        bounds: Mapping[Partition, tuple[int, int]],
        passed: CommittedOffsets,
    ) -> None:
        self._settings, self._bounds, self._passed = settings, bounds, passed

    @classmethod
    def read(cls, settings: Settings, admin: Admin, passed: CommittedOffsets) -> "Logs":
        return cls(settings, admin.bounds([settings.topic(topic) for topic in TOPICS]), passed)

    def records(self, *topics: Topic) -> int:
        """How many offsets they hold."""
        names = {self._settings.topic(topic) for topic in topics}
        return sum(
            end - begin
            for partition, (begin, end) in self._bounds.items()
            if partition.topic in names
        )

    def gaps(self, *topics: Topic) -> Iterator[Gap]:
        names = {self._settings.topic(topic) for topic in topics}
        for partition, (begin, _) in sorted(self._bounds.items()):
            if partition.topic in names and begin:
                yield Gap(partition, begin, max(0, begin - self._passed.watermark(partition)))
