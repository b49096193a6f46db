"""Says dates and times of day in Mandarin."""

from seedcast.gpu_consumers.text.mandarin.counts import count, digits
from seedcast.gpu_consumers.text.values import Date, Decade, Time

_HALVES = {"am": "上午", "pm": "下午", "": ""}


def say_date(date: Date) -> str:
    year = digits(date.year, one="一") + "年" if date.year else ""
    month = count(str(date.month)) + "月" if date.month else ""
    return year + month + (count(str(date.day)) + "日" if date.day else "")


def say_decade(decade: Decade) -> str:
    """Return 九十年代, 零零年代 or 一九九零年代."""
    is_count = len(decade.year) == 2 and decade.year[0] != "0"
    return (count(decade.year) if is_count else digits(decade.year, one="一")) + "年代"


def say_time(time: Time) -> str:
    """Return a time; 8:05 is 八点零五分, 8:00 is 八点."""
    hour = "两" if time.hour == 2 else count(str(time.hour))
    spoken = _HALVES[time.half] + hour + "点"
    if time.minute:
        spoken += _two_places(time.minute) + "分"
    if time.second:
        spoken += ("" if time.minute else "零分") + _two_places(time.second) + "秒"
    return spoken


def _two_places(number: int) -> str:
    return ("零" if number < 10 else "") + count(str(number))
