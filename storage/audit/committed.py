"""What the consumer groups have committed at one moment, and what the topics have lost.

A worker does not read again what its group has committed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from seedcast.kafka import Committed, GroupOffsets, Partition, offset_bitmap
from seedcast.schemas.topics import GROUPS, TOPICS, Topic
from seedcast.settings import Settings


@dataclass(frozen=True)
class Gap:
    """The offsets at a partition's beginning that retention or somebody has deleted."""

    partition: Partition
    offsets: int
    unread: int  # of these, those that the topic's consumer group had not committed


class CommittedOffsets:
    """Which offsets the consumer groups call done."""

    def __init__(self, committed: Mapping[Partition, Committed]) -> None:
        self._watermarks = {partition: entry.offset or 0 for partition, entry in committed.items()}
        self._above = {  # offsets done above the watermark; at most 23,208 per partition
            partition: frozenset(offset_bitmap.decode(self._watermarks[partition], entry.metadata))
            for partition, entry in committed.items()
        }

    @classmethod
    def read(cls, settings: Settings, offsets: GroupOffsets) -> "CommittedOffsets":
        found: dict[Partition, Committed] = {}
        for group in GROUPS:
            names = {settings.topic(topic) for topic in group.topics}
            found |= {
                partition: committed
                for partition, committed in offsets.committed(settings.group(group.name)).items()
                if partition.topic in names
            }
        return cls(found)

    def is_done(self, partition: Partition, offset: int) -> bool:
        """Return True if the group has committed this offset, by its watermark or its bitmap."""
        return offset < self.watermark(partition) or offset in self._above.get(partition, ())

    def watermark(self, partition: Partition) -> int:
        return self._watermarks.get(partition, 0)

    def watermarks(self, topic: str) -> dict[int, int]:
        """Return the watermarks of the topic of that full name, by partition number."""
        return {
            partition.number: watermark
            for partition, watermark in self._watermarks.items()
            if partition.topic == topic
        }


class Logs:
    """The first and last offsets of the topics, and the gaps at their beginnings."""

    def __init__(
        self,
        settings: Settings,
        bounds: Mapping[Partition, tuple[int, int]],
        committed: CommittedOffsets,
    ) -> None:
        self._settings, self._bounds, self._committed = settings, bounds, committed

    @classmethod
    def read(cls, settings: Settings, offsets: GroupOffsets, committed: CommittedOffsets) -> "Logs":
        return cls(settings, offsets.bounds([settings.topic(topic) for topic in TOPICS]), committed)

    def records(self, *topics: Topic) -> int:
        """Return how many offsets the topics hold."""
        names = {self._settings.topic(topic) for topic in topics}
        return sum(
            end - begin
            for partition, (begin, end) in self._bounds.items()
            if partition.topic in names
        )

    def gaps(self, *topics: Topic) -> Iterator[Gap]:
        """Yield the gap of each partition whose first offsets are deleted."""
        names = {self._settings.topic(topic) for topic in topics}
        for partition, (begin, _) in sorted(self._bounds.items()):
            if partition.topic in names and begin:
                unread = max(0, begin - self._committed.watermark(partition))
                yield Gap(partition, begin, unread)
