"""What the columns can hold. Messages are checked for their form; a column has its own limits."""

from datetime import UTC, datetime, timedelta
from typing import overload

SHORT = 256  # characters; an entry of PostgreSQL's indexes has room for 2,700 bytes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER, _BIGINT = 2**31 - 1, 2**63 - 1
_LATEST = 253_402_300_799_999  # the last millisecond of the year 9999


@overload
def bounded(number: int) -> int: ...
@overload
def bounded(number: int | None) -> int | None: ...
def bounded(number: int | None) -> int | None:
    """Return the nearest that a BIGINT holds."""
    return None if number is None else max(-_BIGINT, min(number, _BIGINT))


def small(number: int) -> int:
    """Return the nearest that an INTEGER holds."""
    return max(-_INTEGER, min(number, _INTEGER))


def microseconds(seconds: float) -> int:
    """Return whole microseconds, at most a year: sums of them do not depend on their order."""
    return round(max(0.0, min(seconds, 366 * 86_400)) * 1_000_000)


@overload
def plain(text: str) -> str: ...
@overload
def plain(text: str | None) -> str | None: ...
def plain(text: str | None) -> str | None:
    """Return the text without U+0000, which PostgreSQL cannot hold."""
    return None if text is None else text.replace("\0", "\ufffd")


@overload
def short(text: str) -> str: ...
@overload
def short(text: str | None) -> str | None: ...
def short(text: str | None) -> str | None:
    """Return the first 256 characters, for a column with an index."""
    return None if text is None else plain(text[:SHORT])


@overload
def unix_ms(moment: datetime) -> int: ...
@overload
def unix_ms(moment: datetime | None) -> int | None: ...
def unix_ms(moment: datetime | None) -> int | None:
    return None if moment is None else round((moment - _EPOCH).total_seconds() * 1000)


def moment(milliseconds: int) -> datetime:
    """Return the time, or the nearest that a datetime holds: any client can send any timestamp."""
    return _EPOCH + timedelta(milliseconds=max(0, min(milliseconds, _LATEST)))
