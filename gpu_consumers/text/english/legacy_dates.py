"""Dates and times in English: verbalisers for the rules of `english`."""

import re

from seedcast.gpu_consumers.text.normalizer import wetext_english
from seedcast.gpu_consumers.text.numbers import en_count, en_counted, en_ordinal, en_year
from seedcast.gpu_consumers.text.rules import digits_in, text_before

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
_MONTH_FORMS = [  # Sep, Sept. and September
    f"{month}|{month[:3]}{'t?' if month == 'September' else ''}\\.?" for month in MONTHS
]
MONTH = rf"(?:{'|'.join(_MONTH_FORMS)})(?![A-Za-z])"
TIME = r"(?:[01]?\d|2[0-4])"
HALF = r"\s?(?i:[ap]\.?m)(?:\.(?!\s*$|\s+[A-Z]))?(?![A-Za-z])"  # AM or PM
DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DATE_BEFORE = re.compile(
    r"(?:^|[^a-z])(?:on|by|until|till|before|after|from|since|due|date:?)\s*$", re.IGNORECASE
)


def _en_date(month: int, day: int, year: str = "") -> str:
    return f"{MONTHS[month - 1]} {en_ordinal(day)}" + (f" {en_year(year)}" if year else "")


def say_iso_date(match: re.Match[str]) -> str:
    year, month, day = digits_in(match.group())
    return _en_date(int(month), int(day), year)


def say_american_date(match: re.Match[str]) -> str:
    """Say a date in figures; the month is first, unless the first number is over 12.

    What cannot be a date is said as three counts.
    """
    first, second, year = digits_in(match.group())
    month, day = (int(first), int(second)) if int(first) <= 12 else (int(second), int(first))
    if 1 <= month <= 12 and 1 <= day <= 31:
        return _en_date(month, day, year)
    return " ".join(map(en_count, (first, second, year)))


def say_named_date(match: re.Match[str]) -> str:
    """Say a date whose month is a name, with or without a year."""
    month = next(number for number, name in enumerate(MONTHS, 1) if name[:3] in match.group())
    day, year = [*digits_in(match.group()), ""][:2]
    if 1 <= int(day) <= 31:
        return _en_date(month, int(day), year)
    return f"{MONTHS[month - 1]} {en_count(day)} {year and en_year(year)}"


def say_clock_time(match: re.Match[str]) -> str:
    hour, minute, second = [*digits_in(match.group()), "", ""][:3]
    first_letter = next((letter for letter in match.group().lower() if letter in "ap"), "")
    half = {"a": " AM", "p": " PM"}.get(first_letter, "")
    if int(minute or 0):
        spoken = f"{en_count(hour)} {'oh ' if int(minute) < 10 else ''}{en_count(minute)}"
    else:
        spoken = en_count(hour) + ("" if half else " hundred" if int(hour) > 12 else " o clock")
    if second and int(second):
        spoken += f" and {en_counted(second, 'second', 'seconds')}"
    return spoken + half


def say_decade(match: re.Match[str]) -> str:
    if match.group().startswith("2000"):
        return "two thousands"
    tens = wetext_english(match.group()[2:4]) if match.group()[2:4] != "00" else "hundred"
    century = wetext_english(match.group()[:2])
    return f"{century} {tens[:-1] + 'ies' if tens.endswith('y') else tens + 's'}"


def say_slash(match: re.Match[str]) -> str:
    """Say 12/31 as a date, 3/5 as a date after a word such as "on", else as a fraction.

    24/7 is "twenty four seven"; what is neither a date nor a fraction is "45 over 60".
    """
    first, second = digits_in(match.group())
    left, right = int(first), int(second)
    can_be_date = 1 <= left <= 12 and 1 <= right <= 31
    if can_be_date and (right > 12 or left >= right or _DATE_BEFORE.search(text_before(match, 40))):
        return _en_date(left, right)
    if 0 < left < right <= 20 and not first.startswith("0"):
        return wetext_english(f"{left}/{right}")
    over = "" if (first, second) == ("24", "7") else "over "
    return f"{en_count(first)} {over}{en_count(second)}"
