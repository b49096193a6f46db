"""Dates and times of day, as lists and markup write them, in their parts. Pure."""

import re
from calendar import monthrange
from collections.abc import Mapping
from types import MappingProxyType

from seedcast.catalog.cannot_say import CannotSay
from seedcast.schemas.locales import Locale

ORDERS = ("ymd", "mdy", "dmy", "ym", "my", "md", "dm")
# What a locale says of numbers that do not begin with the year. Without one nothing is guessed:
# a column in which 12/05 is the fifth of December in one row and the twelfth of May in another
# would be wrong in silence.
_OF_LOCALE: Mapping[Locale, tuple[str, ...]] = MappingProxyType(
    {
        "en-US": ("mdy", "md"),
        "en-GB": ("dmy", "dm"),
        "zh-CN": ("md",),
        "zh-TW": ("md",),
        "zh-HK": ("dmy", "dm"),
    }
)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_INSTANT = re.compile(  # a date, and a time of day after it
    r"([^:]{3,40}?)(?:(?-i:T)| +)(\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]\.?m\.?)?)(?:[.,]\d+)?"
    r"(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?",
    re.ASCII | re.IGNORECASE,
)
_HAN = re.compile(r"(?:(\d{2}|\d{4})年)?(?:(\d{1,2})月)?(?:(\d{1,2})[日号號])?", re.ASCII)
_TIME = re.compile(
    r"(?P<zh>上午|下午)? ?(?P<hour>\d{1,2})"
    r"(?:[:点點时時](?P<minute>\d\d)分?(?::?(?P<second>\d\d)秒?(?:[.,]\d+)?)?"
    r"|[点點时時]|(?= ?[ap]))"
    r" ?(?:(?P<en>[ap])\.?m\.?)?(?:Z|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)


def date(value: str, detail: str, locale: Locale | None) -> tuple[str, ...]:
    """Return year (two or four digits), month and day; "" for what is not said.

    Of a date with a time of day the date is taken.
    """
    if instant := _INSTANT.fullmatch(value):
        value = instant[1]
    year, month, day = _han(value) or _named(value) or _numbered(value, detail, locale)
    leap = int(year) if len(year) == 4 and int(year) else 2000
    if not 1 <= int(month or 1) <= 12 or not 1 <= int(day or 1) <= _last(leap, int(month or 1)):
        raise CannotSay("a day that the calendar has")
    return year, month, day


def time(value: str, _detail: str, _locale: Locale | None) -> tuple[str, ...]:
    """Return hour, minute, second and "am" or "pm"; "" for what is not said, as no seconds.

    Of a date with a time of day the time is taken. A zone is not said.
    """
    if instant := _INSTANT.fullmatch(value):
        value = instant[2]
    if not (match := _TIME.fullmatch(value)):
        raise CannotSay("a time such as 14:30, 14:30:05 or 2:30 pm")
    half = {"上午": "am", "下午": "pm"}.get(match["zh"] or "", "")
    if match["en"]:
        half = f"{match['en'].lower()}m"
    hour, minute, second = (match[name] or "" for name in ("hour", "minute", "second"))
    if int(minute or 0) > 59 or int(second or 0) > 59 or not _is_hour(int(hour), half):
        raise CannotSay("an hour, minute and second that a clock has")
    return hour, minute, "" if second == "00" else second, half


def _is_hour(hour: int, half: str) -> bool:
    return 1 <= hour <= 12 if half else hour <= 23


def _last(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def _han(value: str) -> tuple[str, str, str] | None:
    match = _HAN.fullmatch(value)
    return (match[1] or "", match[2] or "", match[3] or "") if match and value else None


def _named(value: str) -> tuple[str, str, str] | None:
    """Read a month by its English name: 15 Aug 2026, August 15, 2026, Aug 2026, 15-Aug-26."""
    if not re.fullmatch(r"[A-Za-z0-9 .,\-/]{3,40}", value):
        return None
    words = re.findall(r"[A-Za-z]+|\d+", re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", value.lower()))
    months = [month for word in words if (month := _month(word))]
    numbers = [word for word in words if word.isdigit()]
    shape = [len(number) for number in numbers]
    if len(months) != 1 or len(words) != 1 + len(numbers):
        return None
    if shape in ([4], [1, 4], [2, 4], [1, 2], [2, 2]):  # the year is last, or alone
        return numbers[-1], str(months[0]), "".join(numbers[:-1])
    if shape in ([4, 1], [4, 2]):
        return numbers[0], str(months[0]), numbers[1]
    return ("", str(months[0]), numbers[0]) if shape in ([1], [2]) else None


def _month(word: str) -> int:
    """Return the number of the month; 0 if the word is none."""
    names = ((name, number) for number, name in enumerate(_MONTHS, start=1))
    short = "sep" if word == "sept" else word
    return next((number for name, number in names if short in (name, name[:3])), 0)


def _numbered(value: str, detail: str, locale: Locale | None) -> tuple[str, str, str]:
    if re.fullmatch("(?:19|20)[0-9]{6}", value):
        value = f"{value[:4]}-{value[4:6]}-{value[6:]}"
    numbers = value.split("-" if "-" in value else "/" if "/" in value else ".")
    if not 2 <= len(numbers) <= 3 or not all(
        re.fullmatch("[0-9]{1,2}|[0-9]{4}", n) for n in numbers
    ):
        raise CannotSay("a date such as 2026-08-15")
    order = _order(numbers, detail, locale)
    parts = dict(zip(order, numbers, strict=True))
    if any(len(parts.get(name, "")) == 4 for name in "md") or len(parts.get("y", "24")) == 1:
        raise CannotSay(f"numbers in the order {order}")
    return parts.get("y", ""), parts.get("m", ""), parts.get("d", "")


def _order(numbers: list[str], detail: str, locale: Locale | None) -> str:
    """Return the order of the numbers: as given, else as the year's place says, or the locale."""
    if detail:
        if len(detail) != len(numbers):
            raise CannotSay(f"{len(detail)} numbers, in the order {detail}")
        return detail
    if len(numbers[0]) == 4:
        return "ymd"[: len(numbers)]
    if len(numbers) == 2 and len(numbers[1]) == 4:
        return "my"
    for order in _OF_LOCALE[locale] if locale else ():
        if len(order) == len(numbers):
            return order
    raise CannotSay(
        "a date such as 2026-08-15, or the order of its numbers (date:dmy), or a locale"
    )
