"""When a delivery is tried again: soon at first, then ever less often, for days."""

from collections.abc import Callable
from datetime import datetime, timedelta

FIRST = timedelta(seconds=5)
FACTOR = 4.0
LONGEST = timedelta(hours=6)
JITTER = 0.5  # of the pause is left to chance, so that an endpoint is not called by all at once


def next_attempt(
    attempts: int,
    since: datetime,
    now: datetime,
    patience: timedelta,
    chance: Callable[[], float],
) -> datetime | None:
    """Return when to try again after so many attempts; None: never. The last is at the end.

    `chance` returns from 0 to 1.
    """
    end = since + patience
    if now >= end:
        return None
    pause = min(FIRST * FACTOR ** min(attempts - 1, 10), LONGEST)
    return min(now + pause * (1 - JITTER * chance()), end)
