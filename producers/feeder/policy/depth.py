"""The feed-ahead: how much each partition has that is fed and has no result yet.

A partition has room while it holds fewer rows than the fleet's slots need, or fewer seconds of
audio than it finishes within the feed-ahead. Its own rate counts: a partition whose worker hangs
gets no more than the slots need, and one that many wait for gets what it can take.

Rows in slots and in post-processing count, too. So the feed-ahead should be longer than a request
takes; where it is not, the rows that the slots need keep them busy.
"""

import math
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from seedcast.producers.feeder.policy.throughput import Throughput

P = TypeVar("P", bound=Hashable)

FEED_AHEAD = 30.0  # seconds
# Rows per slot of the fleet: one that is spoken, and half a one for what is rendered, on its way,
# or on a partition that has fewer than its part of the slots.
ROWS_PER_SLOT = 1.5
LEAST_ROWS = 2  # per partition, if there are more partitions than slots
IDLE_ROWS = 64  # per partition without workers, so that scaling up from zero has something to see


@dataclass(slots=True)
class _Filled:
    rows: int = 0
    seconds: float = 0.0
    throughput: Throughput = field(default_factory=Throughput)


class Depth(Generic[P]):
    """`P`: what names a partition."""

    def __init__(self, feed_ahead: float = FEED_AHEAD) -> None:
        """`feed_ahead`: seconds; infinity: there is always room."""
        self._feed_ahead = feed_ahead
        self._has_workers = False
        self._least_rows: dict[P, float] = {}
        self._partitions: dict[P, _Filled] = {}
        self._fed: dict[str, tuple[P, float]] = {}  # by request id: partition, seconds

    def __len__(self) -> int:
        """Return how many rows are fed and have no result."""
        return len(self._fed)

    @property
    def seconds(self) -> float:
        """Return the predicted seconds of audio of these rows."""
        return sum(filled.seconds for filled in self._partitions.values())

    def set_fleet(self, slots: int, topics: Iterable[Collection[P]]) -> None:
        """`slots`: of all workers that are alive; `topics`: all partitions of each."""
        self._has_workers = slots > 0
        self._least_rows = {
            partition: max(LEAST_ROWS, slots * ROWS_PER_SLOT / len(partitions))
            if self._has_workers
            else IDLE_ROWS
            for partitions in topics
            for partition in partitions
        }

    def roomy(self, now: float) -> set[P]:
        """Return the partitions that have room."""
        return {partition for partition in self._least_rows if self.has_room(partition, now)}

    def has_room(self, partition: P, now: float) -> bool:
        filled = self._partitions.get(partition)
        if self._feed_ahead == math.inf:
            return True
        if filled is None or filled.rows < self._least_rows[partition]:
            return True
        # Half a row less than the target, so that with the row it is as deep as that on average.
        half = filled.seconds / filled.rows / 2
        return self._has_workers and filled.seconds + half < self._target(filled, now)

    def fed(self, request_id: str, partition: P, seconds: float) -> None:
        """Count a row. One that is fed again counts once. `seconds`: its predicted audio."""
        if request_id in self._fed or self._feed_ahead == math.inf:
            return
        self._fed[request_id] = partition, seconds
        filled = self._partitions.setdefault(partition, _Filled())
        filled.rows += 1
        filled.seconds += seconds

    def ended(self, request_id: str, now: float, *, spoken: bool) -> bool:
        """Count a result; return False if it is of no row that waits for one.

        `spoken`: it has audio. The others end quickly, and say nothing of the rate.
        """
        taken = self._take(request_id)
        if taken and spoken:
            filled, seconds = taken
            filled.throughput.add(seconds, now)
        return taken is not None

    def forget(self, request_id: str) -> bool:
        """Free the place of a row whose result will not come; return False if it has none."""
        return self._take(request_id) is not None

    def waiting(self, partition: P) -> tuple[int, float]:
        """Return rows, and predicted seconds, that are fed and have no result."""
        filled = self._partitions.get(partition, _Filled())
        return filled.rows, filled.seconds

    def per_second(self, now: float) -> float:
        """Return the seconds of audio that the fleet finishes per second."""
        return sum(filled.throughput.per_second(now) for filled in self._partitions.values())

    def _target(self, filled: _Filled, now: float) -> float:
        return self._feed_ahead * filled.throughput.per_second(now)

    def _take(self, request_id: str) -> tuple[_Filled, float] | None:
        known = self._fed.pop(request_id, None)
        if known is None:
            return None
        partition, seconds = known
        filled = self._partitions[partition]
        filled.rows -= 1
        # Without rows there are no seconds: a sum of floats need not come back to 0 by itself.
        filled.seconds = filled.seconds - seconds if filled.rows else 0.0
        return filled, seconds
