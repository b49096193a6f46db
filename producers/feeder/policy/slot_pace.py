"""Seconds of audio that one busy slot of the fleet finishes per second.

By busy slots, so that a fleet that waits for rows does not seem slow: else a campaign that is
limited to a rate would want more workers, which would then seem slower still.
"""

import math

MEMORY = 300.0  # seconds of work after which what was measured counts for 1/e
SETTLED = 30.0  # seconds of work; a batch that has just begun seems slow, and workers are dear


class SlotPace:
    def __init__(self) -> None:
        self._audio = self._slot_seconds = self._worked = 0.0
        self._at: float | None = None  # since the first result: before it slots only fill

    def add(self, audio: float, now: float) -> None:
        """Count the audio of a result, in seconds."""
        if audio > 0:
            self._audio += audio
            self._at = now if self._at is None else self._at

    def look(self, busy: int, now: float) -> None:
        """Count the slots that have been busy with lists' rows since the last look."""
        if self._at is None:
            return
        elapsed, self._at = min(max(0.0, now - self._at), MEMORY), now
        if not busy:
            return  # idleness says nothing, and what was measured stays
        kept = math.exp(-elapsed / MEMORY)
        self._audio *= kept
        self._slot_seconds = self._slot_seconds * kept + busy * elapsed
        self._worked += elapsed

    @property
    def per_slot(self) -> float | None:
        """None until enough is measured."""
        if self._worked < SETTLED or self._audio <= 0:
            return None
        return self._audio / self._slot_seconds
