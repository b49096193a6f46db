"""How many GPU consumers the lists want: enough for their deadlines, else for a goal.

Not covered: the hours at which a window is closed count as time to work. Requests that no list has
are not counted: the lag of the GPU consumers' group tells of them.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

SOON = 600.0  # seconds; what is late by its deadline is to end within them
LATE = 0.25  # of the goal; what is late by the goal is to end within that part of it
WORTH = 0.05  # of a worker; what is missing by less starts no other one


@dataclass(frozen=True, kw_only=True)
class Demand:
    """A list with rows that may be fed now."""

    seconds: float  # of predicted audio, not fed
    since: float  # seconds since 1970: from when on it might be fed
    deadline: float | None = None  # seconds since 1970
    most_per_second: float = math.inf  # seconds of audio per second that its rate limit allows

    def per_second(self, now: float, goal: float) -> float:
        """Return seconds of audio per second. `goal`: seconds from `since` on, at most."""
        if self.deadline is None:
            left = max(goal * LATE, min(self.since + goal - now, goal))
        else:
            left = max(SOON, self.deadline - now)
        return min(self.most_per_second, self.seconds / left)


def workers_wanted(
    demands: Iterable[Demand],
    outstanding: int,
    per_worker: float | None,
    *,
    now: float,
    goal: float,
    most: int,
) -> int:
    """Return from 0 (nothing may be fed, and nothing is outstanding) to `most`.

    `outstanding`: rows that are fed and have no result; `per_worker`: seconds of audio per second
    that one finishes with all slots busy; None: not measured yet, so that one worker tells.
    """
    listed = list(demands)
    if not listed and not outstanding:
        return 0
    if per_worker is None:
        return min(1, most)
    needed = sum(demand.per_second(now, goal) for demand in listed) / per_worker
    return min(most, math.ceil(max(1.0, min(needed, float(most)) - WORTH)))
