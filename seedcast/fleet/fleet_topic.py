"""The compacted topic of workers: follow it, read it, and remove those that died long ago."""

import time
from collections.abc import Mapping

from seedcast.fleet.fleet import Fleet
from seedcast.kafka import GroupOffsets, Record, TopicFollower, TopicReader
from seedcast.schemas.topics import WORKERS
from seedcast.settings import Settings

# Seconds. Older records tell of the dead only, and until a segment is compacted there are many.
# It is much more than a silence, since the broker's clock may differ from ours.
RECENT = 600.0


class FleetTopic(TopicFollower):
    """Follows the topic; `fleet` is what is known so far."""

    def __init__(self, settings: Settings, *, whole: bool = False) -> None:
        """With `whole`, read also of those who have been dead for longer than RECENT."""
        topic = settings.topic(WORKERS)
        self.fleet = Fleet()
        starts = None if whole else _recent(settings, topic)
        super().__init__(TopicReader(settings, topic, starts))

    def poll(self, timeout: float = 0.0) -> None:
        """Take what arrives within `timeout` seconds. Raises Fatal errors."""
        for record in self._reader.poll(timeout):
            self.fleet.apply(record, arrives=True)

    def _take(self, record: Record) -> None:
        self.fleet.apply(record, arrives=False)


def read_fleet(settings: Settings, *, whole: bool = False) -> Fleet:
    """Return the fleet as it is now. Raises SeedcastError, TimeoutError."""
    with FleetTopic(settings, whole=whole) as topic:
        topic.catch_up()
        return topic.fleet


def _recent(settings: Settings, topic: str) -> Mapping[int, int]:
    """Return the offset of the first recent record, by partition."""
    offsets = GroupOffsets(settings).first_since([topic], time.time() - RECENT)
    return {partition.number: offset for partition, offset in offsets.items()}
