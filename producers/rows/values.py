"""One cell to one field of a request. Each function raises Wrong; bounds are those of schemas/messages.py. Pure."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec

from schemas.messages import MAX_VOICE_SEED, Priority, Speaker, Speed, Style, VoiceSeed
from seedcast.catalog.voices import Voice, Voices


def _within(kind: Any) -> str:
    """A number's type and bounds, in words."""
    options = getattr(msgspec.inspect.type_info(kind), "types", ())
    number = next(
        (
            option
            for option in options
            if isinstance(option, msgspec.inspect.IntType | msgspec.inspect.FloatType)
        ),
        None,
    )
    if number is None:
        return ""
    bounds = f"over {number.gt:g} and up to" if number.gt is not None else f"from {number.ge:g} to"
    return f"{'an integer' if isinstance(number, msgspec.inspect.IntType) else 'a number'} {bounds} {number.le:g}"


_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_INTEGER = re.compile(r"-?\d+", re.ASCII)
_STYLE = {field.encode_name: field.type for field in msgspec.structs.fields(Style)}
_EXPECTED = {name: _within(kind) for name, kind in _STYLE.items()}
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")
_NAMED = 20  # voices that an error lists


class Wrong(Exception):
    """A value that is not what its column asks for."""

    def __init__(self, expected: str, value: object = None, *, got: str = "") -> None:
        self.expected = expected
        self.got = (got or shown(value)[:100]).encode("utf-8", "backslashreplace").decode()


def shown(value: object) -> str:
    """For people; its type where it is too long, or too deep, to be written."""
    try:
        return repr(value)
    except (ValueError, RecursionError):
        return type(value).__name__


def encodable(text: str) -> str:
    """The text itself. Raises Wrong for half of a surrogate pair, which no byte stands for."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Wrong("text that UTF-8 can hold", got=f"U+{ord(text[error.start]):04X}") from None
    return text


def written(value: object) -> str:
    """What metadata holds."""
    try:
        text = str(value)
    except ValueError:  # an integer of thousands of digits
        raise Wrong("a value that can be written", got=type(value).__name__) from None
    return encodable(text)


def voice(value: object, known: Voices) -> int | Voice:
    """A seed, or a name of the voices file."""
    if isinstance(value, str) and (named := known.get(value.strip())):
        return named
    return _seed(value, f"an integer from 0 to {MAX_VOICE_SEED}" + _or_named(known))


def voice_seed(value: object) -> int:
    return _seed(value, f"an integer from 0 to {MAX_VOICE_SEED}")


def _or_named(known: Voices) -> str:
    more = f" and {len(known) - _NAMED:,} more" if len(known) > _NAMED else ""
    return f", or a voice of {', '.join(islice(known, _NAMED))}{more}" if known else ""


def _seed(value: object, expected: str) -> int:
    if (isinstance(value, str) and _INTEGER.fullmatch(value.strip()) and len(value) < 40) or (
        isinstance(value, float) and value.is_integer()
    ):
        value = int(value)
    return _bounded(value, VoiceSeed, expected)  # type: ignore[no-any-return]


def speaker(value: object) -> str:
    given = encodable(value) if isinstance(value, str) else value
    expected = "a speaker string of at most 8,192 characters"
    return _bounded(given, Speaker, expected)  # type: ignore[no-any-return]


def speed(value: object) -> float:
    return _bounded(_number(value), Speed, "a ratio from 0.5 to 2")  # type: ignore[no-any-return]


def style(name: str, value: object) -> float | int | bool:
    """By the name of its column."""
    if _STYLE[name] is bool:
        return _yes_or_no(value)
    number = _number(value)
    expected = _EXPECTED[name]
    if expected.startswith("an integer") and isinstance(number, float) and number.is_integer():
        number = int(number)
    return _bounded(number, _STYLE[name], expected)  # type: ignore[no-any-return]


def _yes_or_no(value: object) -> bool:
    written = str(value).strip().lower() if isinstance(value, str | int) else ""
    if written not in _YES + _NO:
        raise Wrong("true or false (1 or 0, yes or no)", value)
    return written in _YES


def priority(value: object) -> Priority:
    given = value.strip() if isinstance(value, str) else value
    expected = "'normal' or 'urgent'"
    return _bounded(given, Priority, expected)  # type: ignore[no-any-return]


def profiles(value: object, known: Collection[str]) -> tuple[str, ...]:
    """Names in a list, or separated by ';' or ','; one that is named twice counts once."""
    expected = f"profiles of {', '.join(sorted(known))}"
    names = re.split("[;,]", value) if isinstance(value, str) else value
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
        raise Wrong(expected, value)
    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if unknown := [name for name in found if name not in known]:
        raise Wrong(expected, got=", ".join(unknown)[:100])
    if not 1 <= len(found) <= 16:
        raise Wrong(expected, got=f"{len(found)} of them")
    return found


def deadline(value: object, created_at: datetime) -> datetime:
    """An instant with its zone, or a duration since the campaign was opened: a resumed run then gives the same request."""
    expected = "an ISO 8601 instant with its zone, or a duration such as '2h' or '1h30m'"
    if isinstance(value, datetime) and value.tzinfo:
        return value
    if not isinstance(value, str) or not (written := value.strip()):
        raise Wrong(expected, value)
    try:
        if found := _DURATION.fullmatch(written):
            days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
            return created_at + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        instant = datetime.fromisoformat(written)
    except (ValueError, OverflowError):
        raise Wrong(expected, value) from None
    if not instant.tzinfo:
        raise Wrong(expected, got=f"{value!r}, which has no zone")
    return instant


def identity(value: object) -> str:
    """What an id column holds: text, or an integer of a typed file."""
    found = (
        written(value).strip()
        if isinstance(value, str | int) and not isinstance(value, bool)
        else None
    )
    if not found or len(found) > 256:
        raise Wrong("an id of 1 to 256 characters", value)
    return found


def _number(value: object) -> object:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return value
    try:
        return float(value)
    except (ValueError, OverflowError):
        return value


def _bounded(value: object, kind: Any, expected: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise Wrong(expected, value) from None
