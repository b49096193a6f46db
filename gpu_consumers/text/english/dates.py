"""Says dates, times and ranges in English."""

from collections.abc import Callable

from seedcast.gpu_consumers.text.english.numbers import count, ordinal, year
from seedcast.gpu_consumers.text.values import Date, Measure, Money, Time, Value
from seedcast.schemas.locales import Locale

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_HALVES = {"": "", "am": " A M", "pm": " P M"}


def say_date(date: Date, locale: Locale) -> str:
    """Return "March fifth twenty twenty four", or "the fifth of March" the British way."""
    said = year(date.year) if date.year else ""
    if date.month and date.day:
        month, day = MONTHS[date.month - 1], ordinal(str(date.day))
        first = f"the {day} of {month}" if locale == "en-GB" else f"{month} {day}"
        return f"{first} {said}".strip()
    if date.month:
        return f"{MONTHS[date.month - 1]} {said}".strip()
    return f"the {ordinal(str(date.day))} {said}".strip() if date.day else said


def say_time(time: Time) -> str:
    hour, minute, half = count(str(time.hour)), time.minute, _HALVES[time.half]
    if minute:
        said = f"{hour} {'oh ' if minute < 10 else ''}{count(str(minute))}"
    else:
        said = hour + ("" if time.half else " hundred" if time.hour > 12 else " o'clock")
    if time.second:
        said += f" and {count(str(time.second))} second{'' if time.second == 1 else 's'}"
    return said + half


def say_range(first: Value, last: Value, say: Callable[[Value], str]) -> str:
    """Return "five to ten kilograms": what both have is said once."""
    match first, last:
        case Measure(number, unit), Measure(_, other) if unit == other:
            return f"{say(number)} to {say(last)}"
        case Money(number, currency), Money(_, other) if currency == other and not number.fraction:
            return f"{say(number)} to {say(last)}"
    return f"{say(first)} to {say(last)}"
