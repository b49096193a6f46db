"""The compacted topic of workers: follow it, read it, and remove those that died long ago."""

import time
from collections.abc import Mapping
from typing import Self

from seedcast.fleet.fleet import Fleet
from seedcast.kafka import GroupOffsets, TopicReader
from seedcast.schemas.topics import WORKERS
from seedcast.settings import Settings

# Seconds. Older records tell of the dead only, and until a segment is compacted there are many.
# It is much more than a silence, since the broker's clock may differ from ours.
RECENT = 600.0


class FleetTopic:
    """Follows the topic; `fleet` is what is known so far."""

    def __init__(self, settings: Settings, *, whole: bool = False) -> None:
        """With `whole`, read also of those who have been dead for longer than RECENT."""
        topic = settings.topic(WORKERS)
        self.fleet = Fleet()
        self._reader = TopicReader(settings, topic, None if whole else _recent(settings, topic))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()

    def catch_up(self) -> None:
        """Read what is on the topic now. Raises SeedcastError."""
        for record in self._reader.to_end():
            self.fleet.apply(record, arrives=False)

    def follow(self) -> None:
        """After `catch_up`: wait for changes at hardly any cost."""
        reader, self._reader = self._reader, self._reader.follower()
        reader.close()

    def poll(self, timeout: float = 0.0) -> None:
        """Take what arrives within `timeout` seconds. Raises Fatal errors."""
        for record in self._reader.poll(timeout):
            self.fleet.apply(record, arrives=True)


def read_fleet(settings: Settings, *, whole: bool = False) -> Fleet:
    """Return the fleet as it is now. Raises SeedcastError, TimeoutError."""
    with FleetTopic(settings, whole=whole) as topic:
        topic.catch_up()
        return topic.fleet


def _recent(settings: Settings, topic: str) -> Mapping[int, int]:
    """Return the offset of the first recent record, by partition."""
    offsets = GroupOffsets(settings).first_since([topic], time.time() - RECENT)
    return {partition.number: offset for partition, offset in offsets.items()}
