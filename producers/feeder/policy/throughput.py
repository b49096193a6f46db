"""Seconds of audio finished per second: an average in which the last half minute counts most."""

import math

MEMORY = 30.0  # seconds after which what was finished counts for 1/e
LEAST_SPAN = 5.0  # seconds; with less to look back on, one result would seem a high rate


class Throughput:
    def __init__(self) -> None:
        self._sum = self._span = 0.0
        self._at: float | None = None

    def add(self, seconds: float, now: float) -> None:
        """Count audio that was finished."""
        self._fade(now)
        self._sum += seconds

    def per_second(self, now: float) -> float:
        self._fade(now)
        return self._sum / max(LEAST_SPAN, MEMORY * (1.0 - math.exp(-self._span / MEMORY)))

    def _fade(self, now: float) -> None:
        """Let time pass. A clock that was set back stands still once; one set forward forgets."""
        elapsed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        if elapsed > 10 * MEMORY:
            self._sum = self._span = 0.0
            return
        self._sum *= math.exp(-elapsed / MEMORY)
        self._span += elapsed
