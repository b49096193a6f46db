"""Dates and times in Mandarin: verbalisers for the rules of `mandarin`."""

import re

from seedcast.gpu_consumers.text.numbers import zh_count, zh_digits
from seedcast.gpu_consumers.text.rules import digits_in

TIME = r"(?:[01]?\d|2[0-4])"
HALF = r"\s?(?i:[ap]\.?m\.?)(?![A-Za-z])"  # AM or PM
DAY = r"(?:0?[1-9]|[12]\d|3[01])"


def say_date(match: re.Match[str]) -> str:
    year, month, day = digits_in(match.group())
    return f"{zh_digits(year, one='一')}年{zh_month_day(month, day)}"


def say_month_day(match: re.Match[str]) -> str:
    return zh_month_day(*digits_in(match.group()))


def zh_month_day(month: str, day: str) -> str:
    return f"{zh_count(month)}月{zh_count(day)}日"


def say_clock_time(match: re.Match[str]) -> str:
    hour, minute, second = [*digits_in(match.group()), ""][:3]
    text = match.group().lower()
    half = "上午" if "a" in text else "下午" if "p" in text else ""
    spoken = half + _zh_hour(hour)
    if int(minute):
        spoken += ("零" if int(minute) < 10 else "") + f"{zh_count(minute)}分"
    if second and int(second):
        spoken += ("" if int(minute) else "零") + f"{zh_count(second)}秒"
    return spoken


def say_half_day_hour(match: re.Match[str]) -> str:
    """Say an hour with AM or PM: 5 pm is 下午五点."""
    half = "上午" if "a" in match.group().lower() else "下午"
    return half + _zh_hour(digits_in(match.group())[0])


def _zh_hour(hour: str) -> str:
    return ("两" if int(hour) == 2 else zh_count(hour)) + "点"


def say_slash(match: re.Match[str]) -> str:
    """Say 24/7 as 二十四小时, 12/31 as a date and 3/5 as a fraction."""
    first, second = digits_in(match.group())
    if (first, second) == ("24", "7"):
        return "二十四小时"
    month, day = int(first), int(second)
    can_be_date = 1 <= month <= 12 and 1 <= day <= 31
    if can_be_date and (day > 12 or month >= day):
        return zh_month_day(first, second)
    return f"{zh_count(second)}分之{zh_count(first)}"
