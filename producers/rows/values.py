"""Parses one cell into one field of a request. Pure.

The functions raise InvalidValue; the bounds are in schemas/messages.py.
"""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, get_args

import msgspec

from seedcast.catalog.voices import Voice, Voices
from seedcast.errors import InvalidInput, InvalidRow
from seedcast.schemas.locales import Locale
from seedcast.schemas.messages import (
    MAX_VOICE_SEED,
    Priority,
    Speaker,
    Speed,
    Style,
    TextFormat,
    VoiceSeed,
)

NAMED = 20  # voices that an error lists
MAX_ID = 256  # characters
MAX_EXACT = 2**53  # from it on a float no longer tells neighbouring integers apart
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_INTEGER = re.compile(r"-?\d+", re.ASCII)
_MAX_SEED_DIGITS = 39  # far more than a seed has; Python refuses to convert thousands of digits
_LOCALES: tuple[Locale, ...] = get_args(Locale)
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")


class InvalidValue(Exception):
    """A value that its column or option does not allow."""

    def __init__(self, expected: str, value: object = None, *, got: str = "") -> None:
        """`got` describes the value; without it the value itself is shown."""
        self.expected = expected
        self.got = (got or printable(value)[:100]).encode("utf-8", "backslashreplace").decode()

    def of_row(self, row: int, field: str) -> InvalidRow:
        return InvalidRow(row, field, expected=self.expected, got=self.got)

    def of_input(self, what: str) -> InvalidInput:
        return InvalidInput(what, expected=self.expected, got=self.got)


def printable(value: object) -> str:
    """Return the value's repr, or its type if the value is too long or too deep for one."""
    try:
        return repr(value)
    except (ValueError, RecursionError):
        return type(value).__name__


def require_utf8(text: str) -> str:
    """Return the text. Raises InvalidValue for a lone surrogate, which no bytes stand for."""
    try:
        if not text.isascii():  # which most ids are: encoding takes three times as long
            text.encode()
    except UnicodeEncodeError as error:
        got = f"U+{ord(text[error.start]):04X}"
        raise InvalidValue("text that UTF-8 can hold", got=got) from None
    return text


def to_text(value: object) -> str:
    """Return a value as metadata holds it; a whole number without a point, however it is kept."""
    value = whole(value)
    try:
        text = str(value)
    except ValueError:  # an integer of thousands of digits
        expected = "a value that can be written as text"
        raise InvalidValue(expected, got=type(value).__name__) from None
    return require_utf8(text)


def row_id(value: object) -> str:
    """Return the value of an id column: text, or a whole number of a typed file."""
    if isinstance(value, str):
        text = require_utf8(value).strip()
    else:
        value = whole(value)
        text = to_text(value) if isinstance(value, int) and not isinstance(value, bool) else ""
    if not text and isinstance(value, float | Decimal):
        raise InvalidValue(f"an id as text, or a whole number under {MAX_EXACT}", value)
    if not 1 <= len(text) <= MAX_ID:
        raise InvalidValue(f"an id of 1 to {MAX_ID} characters", value)
    return text


def voice(value: object, known: Voices) -> int | Voice:
    """Return a voice seed, or a named voice of the voices file."""
    if isinstance(value, str) and (named := known.get(value.strip())):
        return named
    return _seed(value, f"an integer from 0 to {MAX_VOICE_SEED}" + _or_named(known))


def voice_seed(value: object) -> int:
    return _seed(value, f"an integer from 0 to {MAX_VOICE_SEED}")


def _or_named(known: Voices) -> str:
    more = f" and {len(known) - NAMED:,} more" if len(known) > NAMED else ""
    return f", or one of the voices {', '.join(islice(known, NAMED))}{more}" if known else ""


def _seed(value: object, expected: str) -> int:
    if isinstance(value, str):
        digits = value.strip()
        if _INTEGER.fullmatch(digits) and len(value) <= _MAX_SEED_DIGITS:
            value = int(digits)
    return _bounded(whole(value), VoiceSeed, expected)  # type: ignore[no-any-return]


def speaker(value: object) -> str:
    text = require_utf8(value) if isinstance(value, str) else value
    expected = "a speaker string of at most 8,192 characters"
    return _bounded(text, Speaker, expected)  # type: ignore[no-any-return]


def speed(value: object) -> float:
    return _bounded(_number(value), Speed, "a ratio from 0.5 to 2")  # type: ignore[no-any-return]


def style(name: str, value: object) -> float | int | bool:
    """Return the style option of the column `name`."""
    if _STYLE[name] is bool:
        return _yes_or_no(value)
    number, expected = _number(value), _STYLE_BOUNDS[name]
    if expected.startswith("an integer"):
        number = whole(number)
    return _bounded(number, _STYLE[name], expected)  # type: ignore[no-any-return]


def priority(value: object) -> Priority:
    text = value.strip() if isinstance(value, str) else value
    expected = "'normal' or 'urgent'"
    return _bounded(text, Priority, expected)  # type: ignore[no-any-return]


def text_format(value: object) -> TextFormat:
    text = value.strip() if isinstance(value, str) else value
    return _bounded(text, TextFormat, "'plain' or 'markup'")  # type: ignore[no-any-return]


def locale(value: object) -> Locale:
    """Return a locale, also from other spellings of its name, such as en_us."""
    spelled = value.strip().replace("_", "-").lower() if isinstance(value, str) else value
    for known in _LOCALES:
        if known.lower() == spelled:
            return known
    raise InvalidValue(f"one of {', '.join(_LOCALES)}", value)


def profiles(value: object, known: Collection[str]) -> tuple[str, ...]:
    """Return the names in a list, or separated by ';' or ','. A repeated name counts once."""
    expected = f"profiles of {', '.join(sorted(known))}"
    parts = re.split("[;,]", value) if isinstance(value, str) else value
    if not isinstance(parts, tuple | list) or not all(isinstance(part, str) for part in parts):
        raise InvalidValue(expected, value)
    names = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if unknown := [name for name in names if name not in known]:
        raise InvalidValue(expected, got=", ".join(unknown)[:100])
    if not 1 <= len(names) <= 16:
        raise InvalidValue(f"1 to 16 {expected}", got=f"{len(names)} profiles")
    return names


def deadline(value: object, created_at: datetime) -> datetime:
    """Return an instant from ISO 8601 with a time zone, or from a duration.

    A duration counts from when the campaign was opened, so that a resumed run gives the same
    request.
    """
    expected = "an ISO 8601 time with its zone, or a duration such as '2h' or '1h30m'"
    if isinstance(value, datetime) and value.tzinfo:
        return value
    if not isinstance(value, str) or not (text := value.strip()):
        raise InvalidValue(expected, value)
    try:
        if duration := _DURATION.fullmatch(text):
            days, hours, minutes, seconds = (int(part or 0) for part in duration.groups())
            return created_at + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InvalidValue(expected, value) from None
    if not instant.tzinfo:
        raise InvalidValue(expected, got=f"{value!r}, which has no zone")
    return instant


def _yes_or_no(value: object) -> bool:
    text = str(value).strip().lower() if isinstance(value, str | int) else ""
    if text not in _YES + _NO:
        raise InvalidValue("true or false (1 or 0, yes or no)", value)
    return text in _YES


def _number(value: object) -> object:
    """Return text or an integer as a float, and anything else unchanged."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return value
    try:
        return float(value)
    except (ValueError, OverflowError):
        return value


def whole(value: object) -> object:
    """Return a float or decimal with no fraction as an integer, and anything else unchanged.

    So is a float from 2⁵³ on, whose last digits may be lost.
    """
    if isinstance(value, Decimal):
        is_short = value.is_finite() and -MAX_ID < value.adjusted() < MAX_ID
        return int(value) if is_short and value == value.to_integral_value() else value
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT
    return int(value) if is_whole else value  # type: ignore[call-overload]


def _bounded(value: object, kind: Any, expected: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise InvalidValue(expected, value) from None


def _bounds_in_words(kind: Any) -> str:
    """Describe a number's type and bounds; '' if the type is no number."""
    options = getattr(msgspec.inspect.type_info(kind), "types", ())
    for option in options:
        if isinstance(option, msgspec.inspect.IntType | msgspec.inspect.FloatType):
            number = "an integer" if isinstance(option, msgspec.inspect.IntType) else "a number"
            lower = (
                f"from {option.ge:g} to" if option.gt is None else f"over {option.gt:g} and up to"
            )
            return f"{number} {lower} {option.le:g}"
    return ""


_STYLE = {field.encode_name: field.type for field in msgspec.structs.fields(Style)}
_STYLE_BOUNDS = {name: _bounds_in_words(kind) for name, kind in _STYLE.items()}
