"""How many rows of each list are spoken and have no result yet: post-processing has them."""

from collections import Counter
from collections.abc import Callable, Iterable

from seedcast.kafka import Partition
from seedcast.schemas.topics import LANES
from seedcast.settings import Settings
from seedcast.storage.audit.committed import CommittedOffsets

PAUSE = 5.0  # seconds between two looks, at least
SHARE = 100  # times what a look took, until the next: where all is fed at once, rows are many


class Rendering:
    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        committed: Callable[[], CommittedOffsets],
    ) -> None:
        self._audio = {settings.topic(lane.audio) for lane in LANES.values()}
        self._clock, self._committed = clock, committed
        self._due = clock() + PAUSE

    def look(self, fed: Iterable[tuple[str, Partition, int]]) -> Counter[str] | None:
        """Return the number by campaign; None if that was done a moment ago.

        `fed`: campaign, partition and offset of every row without a result. A row is spoken once
        the GPU consumers have committed it, or where it was found as audio. Raises the broker's
        errors.
        """
        began = self._clock()
        if began < self._due:
            return None
        try:
            return self._count(fed)
        finally:
            now = self._clock()
            self._due = now + max(PAUSE, SHARE * (now - began))

    def _count(self, fed: Iterable[tuple[str, Partition, int]]) -> Counter[str]:
        rows = list(fed)
        if not rows:
            return Counter()
        done = self._committed()
        return Counter(
            campaign
            for campaign, partition, offset in rows
            if partition.topic in self._audio or done.is_done(partition, offset)
        )
