"""Finds rows that both groups have passed and that have no result: they must not hold a place.

A waiting row is no loss: it may be in a slot for minutes. It is lost once the GPU consumers have
committed it, post-processing has committed all audio that there was then, and its result has not
come even so. The audit tells why.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from seedcast.kafka import Committed, GroupOffsets, Partition
from seedcast.producers.feeder.outstanding import committed_offsets
from seedcast.schemas.topics import LANES, POSTPROCESS
from seedcast.settings import Settings

OLD = 120.0  # seconds without a result, from which on a row is looked at
PAUSE = 10.0  # seconds between two looks; in it, results that are on the topic are read


@dataclass(frozen=True, slots=True)
class _Suspects:
    request_ids: frozenset[str]
    audio_ends: Mapping[Partition, int]  # of the audio topics, once these had been committed
    passed: bool = False  # post-processing has committed them


class LostRows:
    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings, self._clock = settings, clock
        self._rows: dict[str, tuple[Partition, int, float]] = {}  # offset, and when it was fed
        self._suspects: _Suspects | None = None
        self._due = clock() + PAUSE

    def fed(self, request_id: str, partition: Partition, offset: int) -> None:
        """`partition`: of the requests topic, or of the audio topic once it is audio."""
        self._rows[request_id] = partition, offset, self._clock()

    def ended(self, request_id: str) -> None:
        self._rows.pop(request_id, None)

    @property
    def places(self) -> Iterator[tuple[str, Partition, int]]:
        """Yield id, partition and offset of every row without a result."""
        return ((key, where, offset) for key, (where, offset, _) in self._rows.items())

    def look(self) -> frozenset[str]:
        """Return the rows that are lost, once each. Raises the broker's errors."""
        if self._clock() < self._due:
            return frozenset()
        try:
            return self._look()
        finally:  # an unavailable broker takes its time-out, and must not take all of the time
            self._due = self._clock() + PAUSE

    def _look(self) -> frozenset[str]:
        if self._suspects is None:
            self._suspects = self._suspect()
            return frozenset()
        if not self._suspects.passed:
            if self._has_passed(self._suspects.audio_ends):
                self._suspects = _Suspects(self._suspects.request_ids, {}, passed=True)
            return frozenset()
        lost, self._suspects = self._suspects.request_ids & self._rows.keys(), None
        for request_id in lost:
            del self._rows[request_id]
        return lost

    def _suspect(self) -> _Suspects | None:
        """Return old rows whose group has committed them; None if there are none."""
        before = self._clock() - OLD
        old = {key: row for key, row in self._rows.items() if row[2] < before}
        if not old:
            return None
        offsets = GroupOffsets(self._settings)
        done = committed_offsets(self._settings, offsets)
        passed = (key for key, (where, offset, _) in old.items() if done.is_done(where, offset))
        if not (suspects := frozenset(passed)):
            return None
        topics = [self._settings.topic(lane.audio) for lane in LANES.values()]
        ends = {partition: end for partition, (_, end) in offsets.bounds(topics).items()}
        return _Suspects(suspects, ends)

    def _has_passed(self, ends: Mapping[Partition, int]) -> bool:
        offsets = GroupOffsets(self._settings)
        committed = offsets.committed(self._settings.group(POSTPROCESS.name))
        none = Committed(None, "")
        return all((committed.get(p, none).offset or 0) >= end for p, end in ends.items())
