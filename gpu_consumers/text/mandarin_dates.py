"""Dates and times in Mandarin, as the readers of `mandarin`."""

import re

from gpu_consumers.text.numbers import zh_count, zh_digits
from gpu_consumers.text.rules import digits_in

TIME = r"(?:[01]?\d|2[0-4])"
HALF = r"\s?(?i:[ap]\.?m\.?)(?![A-Za-z])"
DAY = r"(?:0?[1-9]|[12]\d|3[01])"


def date(match: re.Match[str]) -> str:
    year, month, day = digits_in(match.group())
    return f"{zh_digits(year, one='一')}年{month_day(month, day)}"


def month_day(month: str, day: str) -> str:
    return f"{zh_count(month)}月{zh_count(day)}日"


def clock(match: re.Match[str]) -> str:
    hour, minute, second = [*digits_in(match.group()), ""][:3]
    half = next(
        (
            name
            for letter, name in (("a", "上午"), ("p", "下午"))
            if letter in match.group().lower()
        ),
        "",
    )
    spoken = f"{half}{'两' if int(hour) == 2 else zh_count(hour)}点"
    if int(minute):
        spoken += ("零" if int(minute) < 10 else "") + f"{zh_count(minute)}分"
    return spoken + (
        ("零" if not int(minute) else "") + f"{zh_count(second)}秒"
        if second and int(second)
        else ""
    )


def half_day(match: re.Match[str]) -> str:
    hour = digits_in(match.group())[0]
    return (
        ("上午" if "a" in match.group().lower() else "下午")
        + ("两" if int(hour) == 2 else zh_count(hour))
        + "点"
    )


def slash(match: re.Match[str]) -> str:
    first, second = digits_in(match.group())
    numerator, denominator = int(first), int(second)
    if (first, second) == ("24", "7"):
        return "二十四小时"
    if (
        1 <= numerator <= 12
        and 1 <= denominator <= 31
        and (denominator > 12 or numerator >= denominator)
    ):
        return month_day(first, second)
    return f"{zh_count(second)}分之{zh_count(first)}"
