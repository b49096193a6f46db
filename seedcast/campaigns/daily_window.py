"""A time of day in which a campaign may be fed, such as 20:00-06:00 in Asia/Shanghai.

It is open while a wall clock in the zone shows a time within it, the end excluded. So 20:00-06:00
takes an hour less or more in the night in which the clocks change, an hour that the clocks skip is
left out, and one that they repeat counts twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from seedcast.errors import InvalidInput

DAY = 86_400
# Seconds since 1970 that every zone can show as a date. What a broken clock says beyond them
# counts as the nearest.
_EARLIEST, _LATEST = DAY, 250_000_000_000
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_WINDOW = re.compile(rf"({_TIME})-({_TIME}|24:00)", re.ASCII)


@dataclass(frozen=True)
class DailyWindow:
    start: int  # seconds after midnight, on the zone's wall clock
    end: int  # the same; earlier than the start if it is on the next day
    zone: ZoneInfo

    def is_open(self, now: float) -> bool:
        return self._is_open(_kept(now))

    def next_change(self, now: float) -> float | None:
        """Return the first second after `now` at which it opens or closes; None: never."""
        if (self.start, self.end) == (0, DAY):
            return None
        is_open = self.is_open(now)
        return float(next(at for at in self._edges(_kept(now)) if self._is_open(at) != is_open))

    def _is_open(self, at: int) -> bool:
        clock = _seconds_of_day(self._shown(at))
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def _edges(self, at: int) -> Iterator[int]:
        """Yield each second after `at` at which the clock shows an edge, or is changed."""
        while True:
            clock = _seconds_of_day(self._shown(at))
            later = at + min(-(clock - edge) % DAY or DAY for edge in (self.start, self.end))
            at = self._clock_change(at, later) or later
            yield at

    def _clock_change(self, at: int, later: int) -> int | None:
        """Return the first second after `at`, up to `later`, of another UTC offset."""
        before = self._offset(at)
        if self._offset(later) == before:
            return None
        while later - at > 1:
            middle = (at + later) // 2
            at, later = (middle, later) if self._offset(middle) == before else (at, middle)
        return later

    def _shown(self, at: int) -> datetime:
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone)

    def _offset(self, at: int) -> timedelta | None:
        return self._shown(at).utcoffset()


def parse_window(text: str, zone: str) -> DailyWindow:
    """Return the window of "20:00-06:00" and an IANA zone.

    Raises InvalidInput if either is none, and if the window never opens.
    """
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise InvalidInput(
            "window",
            expected="two times of day, such as 20:00-06:00; the last one is 24:00",
            got=repr(text),
        )
    start, end = map(_seconds_after_midnight, match.groups())
    if start == end:
        raise InvalidInput(
            "window",
            expected="one that opens: two different times of day",
            got=repr(text),
            remedy="00:00-24:00 is the whole day",
        )
    return DailyWindow(start, end, _zone(zone))


def _seconds_after_midnight(time: str) -> int:
    hours, minutes = time.split(":")
    return (int(hours) * 60 + int(minutes)) * 60


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Asia" is a folder
        raise InvalidInput(
            "zone",
            expected="the IANA name of a time zone, such as Asia/Shanghai",
            got=repr(name),
        ) from None


def _kept(now: float) -> int:
    return int(min(max(now, _EARLIEST), _LATEST))


def _seconds_of_day(shown: datetime) -> int:
    return (shown.hour * 60 + shown.minute) * 60 + shown.second
