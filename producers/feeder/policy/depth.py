"""The feed-ahead: how much each partition has that is fed and has no result yet.

A partition has room while it holds fewer rows than the fleet's slots need, or fewer seconds of
audio than it finishes within the feed-ahead. Its own rate counts: a partition whose worker hangs
gets no more than the slots need, and one that many wait for gets what it can take.

Rows in slots and in post-processing count, too. So the feed-ahead should be longer than a request
takes; where it is not, the rows that the slots need keep them busy. Where slots are free although
many rows are fed, post-processing is what is slow, and the feed-ahead at its rate is all.
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
# Of the slots: so many are free, and so many rows are fed and in none. Less may be chance.
FREE, SPARE = 0.1, 0.25
# A partition hangs if its rows would take this many times as long as those of the quickest one, and
# as the feed-ahead.
HUNG = 10
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
        self._slots = self._free = 0  # of the fleet
        self._enough = 0.0  # seconds of all partitions, if slots are free even so; 0: not known
        self._least_rows: dict[P, float] = {}
        self._partitions: dict[P, _Filled] = {}
        self._fed: dict[str, tuple[P, float]] = {}  # by request id: partition, seconds
        self._seconds = 0.0  # of them all

    def __len__(self) -> int:
        """Return how many rows are fed and have no result."""
        return len(self._fed)

    @property
    def seconds(self) -> float:
        """Return the predicted seconds of audio of these rows."""
        return self._seconds

    def set_fleet(
        self, slots: int, topics: Iterable[Collection[P]], busy: int | None = None
    ) -> None:
        """`slots`: of all workers that are alive; `topics`: all partitions of each.

        `busy`: slots that speak, as far as is known a few seconds later; None: all.
        """
        self._slots, self._free = slots, 0 if busy is None else max(0, slots - busy)
        self._least_rows = {
            partition: max(LEAST_ROWS, slots * ROWS_PER_SLOT / len(partitions))
            if slots
            else IDLE_ROWS
            for partitions in topics
            for partition in partitions
        }

    def roomy(self, now: float) -> set[P]:
        """Return the partitions that have room. Call it before each turn."""
        self._enough = self._enough_seconds(now)
        return {partition for partition in self._least_rows if self.has_room(partition, now)}

    def has_room(self, partition: P, now: float) -> bool:
        filled = self._partitions.get(partition)
        if self._feed_ahead == math.inf:
            return True
        if filled is None or filled.rows < LEAST_ROWS:
            return True
        if self._has_spare_rows():
            return False
        if filled.rows < self._least_rows[partition]:
            return True
        # Half a row less than the target, so that with the row it is as deep as that on average.
        half = filled.seconds / filled.rows / 2
        return self._slots > 0 and filled.seconds + half < self._target(filled, now)

    def fed(self, request_id: str, partition: P, seconds: float) -> None:
        """Count a row. One that is fed again counts once. `seconds`: its predicted audio."""
        if request_id in self._fed or self._feed_ahead == math.inf:
            return
        self._fed[request_id] = partition, seconds
        filled = self._partitions.setdefault(partition, _Filled())
        filled.rows += 1
        filled.seconds += seconds
        self._seconds += seconds

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

    def _has_spare_rows(self) -> bool:
        """Return True if slots are free, and not for want of rows."""
        if self._free <= FREE * self._slots or not self._enough:
            return False
        in_no_slot = len(self) - (self._slots - self._free)
        return in_no_slot > SPARE * self._slots and self._seconds > self._enough

    def _enough_seconds(self, now: float) -> float:
        """Return what is finished within the feed-ahead, and what lies on partitions that hang."""
        rated = [
            (each.seconds, each.throughput.per_second(now)) for each in self._partitions.values()
        ]
        finished = self._feed_ahead * sum(rate for _, rate in rated)
        quickest = min((seconds / rate for seconds, rate in rated if seconds and rate), default=0)
        longest = HUNG * max(self._feed_ahead, quickest)
        hung = sum(seconds for seconds, rate in rated if seconds > longest * rate)
        return finished + hung if finished else 0.0

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
        self._seconds = self._seconds - seconds if self._fed else 0.0
        return filled, seconds
