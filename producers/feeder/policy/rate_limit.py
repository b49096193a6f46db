"""At most so many requests per second: a token bucket that withstands a jumping clock."""

import math
import re

from seedcast.errors import InvalidInput

BURST = 1.0  # seconds' worth of requests that may be fed at once, besides the one that is due
SLIP = 1e-6  # seconds; what a float loses on seconds since 1970 must not cost another wait
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
LEAST, MOST = 1 / 86_400, 100_000.0  # requests per second
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)/(s|min|h|d)", re.ASCII)


class RateLimit:
    """A jump of the clock gains at most one burst, and loses at most one request's wait."""

    def __init__(self, per_second: float, now: float) -> None:
        """It begins with one request, not a burst: feeders may follow each other quickly."""
        self._per_second, self._at, self._tokens = per_second, now, 1.0

    @property
    def burst(self) -> float:
        return 1.0 + self._per_second * BURST

    def set_rate(self, per_second: float, now: float) -> None:
        self._refill(now)
        self._per_second = per_second
        self._tokens = min(self._tokens, self.burst)

    def allows(self, now: float) -> bool:
        """Return True if a request may be fed now."""
        self._refill(now)
        return self._tokens >= 1.0 - self._per_second * SLIP

    def take(self, now: float, requests: int = 1) -> None:
        """Count requests as fed. They may be more than allowed: the next then wait for it."""
        self._refill(now)
        self._tokens -= requests

    def next_change(self, now: float) -> float:
        """Return when the next request is allowed; now if it is."""
        self._refill(now)
        return now + max(0.0, 1.0 - self._tokens) / self._per_second

    def _refill(self, now: float) -> None:
        """A clock that was set back counts from where it is now."""
        elapsed, self._at = max(0.0, now - self._at), now
        self._tokens = min(self._tokens + elapsed * self._per_second, self.burst)


def parse_rate(text: str) -> float:
    """Return requests per second of "200/s", "30/min", "5/h" or "10/d". Raises InvalidInput."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise _wrong_rate(repr(text))
    return checked_rate(float(match[1]) / _UNITS[match[2]], text)


def checked_rate(per_second: float, text: str = "") -> float:
    """Return a rate that somebody asks for. Raises InvalidInput if it is out of bounds."""
    if LEAST <= per_second <= MOST or math.isclose(per_second, LEAST):
        return per_second
    raise _wrong_rate(repr(text) if text else f"{per_second:g}/s")


def format_rate(per_second: float) -> str:
    """Return it in the first unit in which it is one or more, such as "30/min"."""
    unit = next((unit for unit, each in _UNITS.items() if per_second * each >= 1), "d")
    return f"{per_second * _UNITS[unit]:g}/{unit}"


def _wrong_rate(got: str) -> InvalidInput:
    return InvalidInput(
        "rate",
        expected=f"requests per s, min, h or d, such as 200/s; from 1/d to {MOST:.0f}/s",
        got=got,
    )
