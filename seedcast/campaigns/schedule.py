"""When a campaign may be fed: from an instant on, and only in its daily window."""

from dataclasses import dataclass

from seedcast.campaigns.daily_window import DailyWindow
from seedcast.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """It remembers nothing, so that a clock that was wrong leaves no trace once it is right."""

    start_at: float | None = None  # seconds since 1970; in the past: at once
    window: DailyWindow | None = None

    def is_open(self, now: float) -> bool:
        if self.start_at is not None and now < self.start_at:
            return False
        return self.window is None or self.window.is_open(now)

    def next_change(self, now: float) -> float | None:
        """Return when it opens or closes next, after `now`; None: never."""
        if self.start_at is not None and now < self.start_at:
            return self.opening(now)
        return self.window.next_change(now) if self.window else None

    def opening(self, now: float) -> float:
        """Return the first instant from `now` on at which it is open."""
        first = now if self.start_at is None else max(now, self.start_at)
        if self.window is None or self.window.is_open(first):
            return first
        change = self.window.next_change(first)
        return first if change is None else change


ALWAYS = Schedule()


def require_opening(schedule: Schedule, now: float, deadline: float | None) -> None:
    """Raises InvalidInput if nothing could be fed before the deadline."""
    if deadline is None or schedule.opening(now) < deadline:
        return
    raise InvalidInput(
        "start and window",
        expected="a time before the deadline at which requests may be fed",
        got="none",
        remedy="set an earlier start, a later deadline or another window",
    )
