"""Dates and times in English, as the readers of `english`."""

import re

from gpu_consumers.text.normalizer import read_english
from gpu_consumers.text.numbers import en_count, en_number, en_ordinal, en_year
from gpu_consumers.text.rules import digits_in

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
MONTH = (
    r"(?:"
    + "|".join(f"{month}|{month[:3]}{'t?' if month == 'September' else ''}\\.?" for month in MONTHS)
    + r")(?![A-Za-z])"
)
TIME = r"(?:[01]?\d|2[0-4])"
HALF = r"\s?(?i:[ap]\.?m)(?:\.(?!\s*$|\s+[A-Z]))?(?![A-Za-z])"
DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DATE_BEFORE = re.compile(
    r"(?:^|[^a-z])(?:on|by|until|till|before|after|from|since|due|date:?)\s*$", re.IGNORECASE
)


def before(match: re.Match[str], length: int = 40) -> str:
    return match.string[max(0, match.start() - length) : match.start()]


def _day(month: int, day: int, year: str = "") -> str:
    return f"{MONTHS[month - 1]} {en_ordinal(day)}" + (f" {en_year(year)}" if year else "")


def iso_date(match: re.Match[str]) -> str:
    year, month, day = digits_in(match.group())
    return _day(int(month), int(day), year)


def american_date(match: re.Match[str]) -> str:
    first, second, year = digits_in(match.group())
    month, day = (int(first), int(second)) if int(first) <= 12 else (int(second), int(first))
    return (
        _day(month, day, year)
        if 1 <= month <= 12 and 1 <= day <= 31
        else " ".join(map(en_count, (first, second, year)))
    )


def named_date(match: re.Match[str]) -> str:
    month = next(index for index, name in enumerate(MONTHS, 1) if name[:3] in match.group())
    day, year = [*digits_in(match.group()), ""][:2]
    return (
        _day(month, int(day), year)
        if 1 <= int(day) <= 31
        else f"{MONTHS[month - 1]} {en_count(day)} {year and en_year(year)}"
    )


def clock(match: re.Match[str]) -> str:
    hour, minute, second = [*digits_in(match.group()), "", ""][:3]
    half = {"a": " AM", "p": " PM"}.get(
        next((letter for letter in match.group().lower() if letter in "ap"), ""), ""
    )
    if not int(minute or 0):
        spoken = en_count(hour) + ("" if half else " hundred" if int(hour) > 12 else " o clock")
    else:
        spoken = f"{en_count(hour)} {'oh ' if int(minute) < 10 else ''}{en_count(minute)}"
    return (
        spoken
        + (f" and {counted(second, 'second', 'seconds')}" if second and int(second) else "")
        + half
    )


def decade(match: re.Match[str]) -> str:
    if match.group().startswith("2000"):
        return "two thousands"
    tens = read_english(match.group()[2:4]) if match.group()[2:4] != "00" else "hundred"
    century = read_english(match.group()[:2])
    return f"{century} {tens[:-1] + 'ies' if tens.endswith('y') else tens + 's'}"


def slash(match: re.Match[str]) -> str:
    first, second = digits_in(match.group())
    numerator, denominator = int(first), int(second)
    is_date = 1 <= numerator <= 12 and 1 <= denominator <= 31
    if is_date and (
        denominator > 12 or numerator >= denominator or _DATE_BEFORE.search(before(match))
    ):
        return _day(numerator, denominator)
    if 0 < numerator < denominator <= 20 and not first.startswith("0"):
        return read_english(f"{numerator}/{denominator}")
    return (
        f"{en_count(first)} {'' if (first, second) == ('24', '7') else 'over '}{en_count(second)}"
    )


def counted(number: str, singular: str, plural: str) -> str:
    return f"{en_number(number)} {singular if number == '1' else plural}"
