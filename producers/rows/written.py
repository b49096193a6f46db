"""A value of a typed file, written as a person writes it. Pure.

Parquet, JSON and Python give numbers, dates and truth values where CSV gives text. This is the one
place where they become text that is spoken, whatever the format of the list.
"""

import math
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal

from seedcast.producers.rows.values import MAX_EXACT, InvalidValue

MAX_DIGITS = 1000  # of an integer; Python itself writes no more than 4,300
_TOO_LARGE = 10**MAX_DIGITS
_FINITE = "a finite number, or a date or time that is not missing"


def written(value: object, *, mandarin: bool = False) -> str:
    """Return the value as text; `mandarin` is the language of true and false.

    Raises InvalidValue for what cannot be spoken.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ("是" if value else "否") if mandarin else "yes" if value else "no"
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise InvalidValue("text or a number for the template", got=type(value).__name__)


def _integer(value: int) -> str:
    if abs(value) >= _TOO_LARGE:
        raise InvalidValue(f"at most {MAX_DIGITS:,} digits for the template", got="more")
    return str(value)


def _float(value: float) -> str:
    """Return at most 15 digits, all of which a float keeps: 0.1 + 0.2 is 0.3."""
    if not math.isfinite(value):
        raise InvalidValue(_FINITE, got=str(value))
    if value.is_integer():
        if abs(value) >= MAX_EXACT:
            expected = f"an integer under {MAX_EXACT}, or a column of text or integers"
            raise InvalidValue(expected, got="a larger float, whose last digits are lost")
        return str(int(value))
    return format(Decimal(format(value, ".15g")), "f")


def _decimal(value: Decimal) -> str:
    """Return every digit; of more than two after the point, no zeros at the end."""
    if not value.is_finite():
        raise InvalidValue(_FINITE, got=str(value))
    if not -MAX_DIGITS < value.adjusted() < MAX_DIGITS:
        raise InvalidValue(f"at most {MAX_DIGITS:,} digits for the template", got="more")
    text = format(value or value.copy_abs(), "f")  # no minus before zero
    _, _, fraction = text.partition(".")
    return text.rstrip("0").rstrip(".") if len(fraction) > 2 else text


def _datetime(value: datetime) -> str:
    """Return date and time without a zone; only the date at midnight."""
    _refuse_missing(value)
    if value.time() == time():
        return _date(value)
    return f"{_date(value)} {_time(value.time())}"


def _date(value: date) -> str:
    _refuse_missing(value)
    return f"{value.year:04}-{value.month:02}-{value.day:02}"


def _time(value: time) -> str:
    """Return hours and minutes, and seconds if there are any."""
    return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"


def _refuse_missing(value: object) -> None:
    """Refuse the missing time of pandas, a datetime that does not equal itself."""
    if not (value == value):
        raise InvalidValue(_FINITE, got=str(value))


_WRITERS: tuple[tuple[type, Callable[..., str]], ...] = (  # a datetime is a date, too
    (int, _integer),
    (float, _float),
    (Decimal, _decimal),
    (datetime, _datetime),
    (date, _date),
    (time, _time),
)
