"""Dates, times of day and years."""

import re

from seedcast.gpu_consumers.text.classify import CERTAIN, LIKELY, NAMED, PLAIN, Row
from seedcast.gpu_consumers.text.english.dates import MONTHS
from seedcast.gpu_consumers.text.patterns import DASH, END, FREE
from seedcast.gpu_consumers.text.values import (
    Date,
    Decade,
    Half,
    Measure,
    Number,
    Range,
    Sequence,
    Time,
    Value,
    Words,
)
from seedcast.schemas.locales import Locale

# What follows a dot that ends a sentence, and not only a short form.
_ZONE_NAME = r"(?:[ECMP][SD]?T|GMT|UTC|BST|HKT)(?![A-Za-z])"
_SENTENCE_END = rf"\s*\Z|\s+(?!{_ZONE_NAME})[A-Z\"]|\s*\n"
_MONTH = (
    r"(?i:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?)(?![A-Za-z])"
    rf"(?:\.(?!{_SENTENCE_END}))?"
)
_NUMBER_OF = {month[:3].lower(): number for number, month in enumerate(MONTHS, 1)}
_DAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_DAY_NAME = "(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?!\d)"
_YEAR = r"(?:1[5-9]|20)\d\d(?!\d)"
_RANK = r"(?:st|nd|rd|th)?(?![A-Za-z0-9])"
_DATE_BEFORE = (
    r"(?<![A-Za-z])(?i:on|by|until|till|til|before|after|from|since|due|date|dated|ends?|ending|ended"
    r"|starts?|starting|started|begins?|beginning|expires?|expired|reopens?|opens?|closes?|closed|thru"
    r"|through|between|effective|arrives?|arriving|departs?|returns?|departure|return|born|dob|and|to"
    r"|for|of|is|was|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*)[:.,]?\s"
)
_HOUR, _MINUTE = r"(?:[01]?\d|2[0-4])", r"[0-5]\d"
_HALF = rf"(?:\s?(?P<half>[AaPp])\.?[Mm](?:\.(?!{_SENTENCE_END}))?(?![A-Za-z]))"
_CLOCK = rf"(?P<hour>{_HOUR}):(?P<minute>{_MINUTE})(?::(?P<second>{_MINUTE}))?(?![\d:])"
PEOPLE = (
    r"(?!\s(?:people|members|users|customers|items|points|miles|steps|orders|units|copies|seats"
    r"|guests|tickets|bikes|cars|homes|books|votes|meters|pounds|dollars|euros|times|minutes|hours"
    r"|days|calories|students|employees|others|more|new|of))"
)
_NO_YEAR_SIGN = r"(?![\w%]|[.,:/-]\d)"


def _named(match: re.Match[str], _: Locale) -> Value:
    return Date(match["year"] or "", _NUMBER_OF[match["month"].lower()], int(match["day"] or 0))


def _day_range(match: re.Match[str], _: Locale) -> Value:
    month = _NUMBER_OF[match["month"].lower()]
    last = Date(match["year"] or "", 0, int(match["last"]))
    return Range(Date("", month, int(match["day"])), last)


def _days_of_month(match: re.Match[str], _: Locale) -> Value:
    days = Range(Date(day=int(match["day"])), Date(day=int(match["last"])))
    month = Date(match["year"] or "", _NUMBER_OF[match["month"].lower()])
    return Sequence((days, Words("of"), month))


def _year_first(match: re.Match[str], _: Locale) -> Value | None:
    return _date(match["year"], int(match["month"]), int(match["day"]))


def _numeric(match: re.Match[str], locale: Locale) -> Value | None:
    """Return the date of three numbers, the year last; the locale decides what could be either."""
    first, second = int(match["first"]), int(match["second"])
    month, day = (second, first) if locale == "en-GB" else (first, second)
    if month > 12:
        month, day = day, month
    return _date(match["year"] if "year" in match.groupdict() else "", month, day)


def _date(year: str, month: int, day: int) -> Date | None:
    if not (
        1 <= month <= 12 and 1 <= day <= (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
    ):
        return None
    return Date(f"20{year}" if len(year) == 2 else year, month, day)


def _sure_day(match: re.Match[str], locale: Locale) -> Value | None:
    """Return a date of two numbers of which one is no month and the other no fraction's part."""
    return _numeric(match, locale) if max(int(match["first"]), int(match["second"])) > 12 else None


def _date_range(match: re.Match[str], locale: Locale) -> Value | None:
    """Return two dates of two numbers each; the locale decides what could be either."""
    numbers = [int(match[place]) for place in ("first", "second", "third", "fourth")]
    is_british = locale == "en-GB"
    day_first = any(day > 12 for day in numbers[0::2])
    month_first = any(day > 12 for day in numbers[1::2])
    if day_first or (is_british and not month_first):
        numbers = [numbers[place] for place in (1, 0, 3, 2)]
    first, last = _date("", *numbers[:2]), _date("", *numbers[2:])
    return Range(first, last) if first and last else None


def _sure_range(match: re.Match[str], locale: Locale) -> Value | None:
    """Return two dates of which one has a number that is no month."""
    numbers = [int(match[place]) for place in ("first", "second", "third", "fourth")]
    return _date_range(match, locale) if max(numbers) > 12 else None


def _hours(match: re.Match[str], _: Locale) -> Value:
    """Return hours and minutes written as four digits: at 1930 hrs."""
    return Time(int(match["hour"]), int(match["minute"]))


def _lasting(match: re.Match[str], _: Locale) -> Value:
    return Sequence((Measure(Number(match[1]), "h"), Measure(Number(match[2]), "min")))


def _year(match: re.Match[str], _: Locale) -> Value:
    return Date(match.group())


def _time(match: re.Match[str], _: Locale) -> Value:
    parts = match.groupdict()
    half = parts.get("half")
    minute, second = parts.get("minute"), parts.get("second")
    return Time(
        int(parts["hour"]),
        int(minute) if minute else None,
        int(second) if second else None,
        _half(half),
    )


def _half(letter: str | None) -> Half:
    return "" if not letter else "am" if letter in "aA" else "pm"


def _month_names(match: re.Match[str], _: Locale) -> Value:
    first, last = (_NUMBER_OF[match[place][:3].lower()] for place in (1, 2))
    return Range(Date(month=first), Date(month=last))


def _years(match: re.Match[str], _: Locale) -> Value | None:
    first, last = match[1], match[2]
    whole = last if len(last) == 4 else first[:2] + last
    return Range(Date(first), Date(whole)) if int(whole) > int(first) else None


def _day_names(match: re.Match[str], _: Locale) -> Value:
    first, last = match[1], match[2]
    return Range(Words(_DAYS[first]), Words(_DAYS[last]))


_TWO_DATES = (
    rf"{FREE}(?P<first>\d{{1,2}})/(?P<second>\d{{1,2}}){DASH}"
    rf"(?P<third>\d{{1,2}})/(?P<fourth>\d{{1,2}}){END}(?![/%]|[.,-]\d)"
)
_NO_PART = r"(?!\s?(?:in|inch|inches|cups?|miles?|of)(?![A-Za-z])|\")"
# On a card a month and a year; a gift card has a day like anything else.
_CARD_EXPIRES = (
    r"(?<!gift )(?<!Gift )(?<![A-Za-z])(?i:card)\s(?:ending(?:\sin)?\s\S{1,8}\s)?"
    r"(?i:expires|expired|expiring|exp\.?|(?:is\s)?valid\s(?:thru|through|until|to))\s"
)
_SHORT_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
_ZONE = r"(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"

ROWS = (
    Row(
        "time",
        rf"{FREE}(?P<hour>0?[1-9]|1[0-2])\.(?P<minute>{_MINUTE}){_HALF}",
        _time,
        NAMED,
    ),
    Row(
        "date",
        rf"{FREE}(?P<first>\d{{1,2}})\.(?P<second>\d{{1,2}})\.(?P<year>\d\d){END}(?!\.\d)",
        _numeric,
        NAMED,
        before=_DATE_BEFORE,
    ),
    Row("time", rf"T{_CLOCK}{_ZONE}{END}", _time, NAMED, r"\d{4}-\d\d-\d\d", starts="T"),
    Row("year", rf"'(\d\d){END}", lambda match, _: Date(match[1]), starts="'"),
    Row("year", rf"{FREE}[1-9]\d{{2,3}}{END}", _year, NAMED, r"(?i:since|year|A\.?D\.?)\s"),
    Row(
        "date",
        rf"{FREE}(?P<day>{_DAY}){_RANK}{DASH}(?P<last>{_DAY}){_RANK}\s{_MONTH}"
        rf"(?:,?\s(?P<year>{_YEAR})|)",
        _days_of_month,
        NAMED + 1,
    ),
    Row(
        "date",
        rf"{FREE}(?P<year>{_YEAR})(?P<s>[-/.])(?P<month>\d{{1,2}})(?P=s)(?P<day>{_DAY})(?:{END}|(?=T\d\d:))",
        _year_first,
        NAMED,
    ),
    Row(
        "date",
        rf"{FREE}(?P<first>\d{{1,2}})(?P<s>[-/.])(?P<second>\d{{1,2}})(?P=s)(?P<year>{_YEAR}){END}",
        _numeric,
        NAMED,
    ),
    Row(
        "date",
        rf"{FREE}(?P<first>\d{{1,2}})/(?P<second>\d{{1,2}})/(?P<year>\d\d){END}(?!/)",
        _numeric,
    ),
    Row(
        "date",
        rf"{FREE}(?P<first>\d{{1,2}})/(?P<second>\d{{1,2}}){END}(?![/%]|[.,-]\d)",
        _numeric,
        NAMED,
        before=_DATE_BEFORE,
    ),
    Row(
        "date", rf"{FREE}(?P<first>\d{{1,2}})/(?P<second>\d{{1,2}}){END}(?![/%]|[.,-]\d)", _sure_day
    ),
    Row("date", _TWO_DATES, _date_range, NAMED + 1, before=_DATE_BEFORE),
    Row("date", _TWO_DATES + _NO_PART, _sure_range),
    Row(  # 2026-08; 2011-12 may be two years
        "date",
        rf"{FREE}(?P<year>20\d\d)-(?P<month>0[1-9]|1[0-2]){END}(?!-)",
        lambda match, _: Date(match["year"], int(match["month"])),
        PLAIN - 1,
    ),
    Row(
        "date",
        rf"{FREE}(?P<month>0[1-9]|1[0-2])-(?P<year>20\d\d){END}(?!-)",
        lambda match, _: Date(match["year"], int(match["month"])),
    ),
    Row(
        "date",
        rf"{FREE}(?P<month>0[1-9]|1[0-2])/(?P<year>\d\d){END}(?!/|-\d)",
        lambda match, _: Date(f"20{match['year']}", int(match["month"])),
        NAMED + 1,
        before=_CARD_EXPIRES,
    ),
    Row(
        "date",
        rf"{FREE}(?<!/)(?P<month>0?[1-9]|1[0-2])/(?P<year>{_YEAR}){END}(?!/)",
        lambda match, _: Date(match["year"], int(match["month"])),
        NAMED,
    ),
    Row(
        "date",
        rf"{FREE}(?P<day>\d\d)(?P<month>JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(?P<year>{_YEAR}|){END}",
        _named,
        NAMED,
    ),
    Row("date", rf"{FREE}(?P<day>{_DAY})-{_MONTH}-(?P<year>{_YEAR}){END}", _named, CERTAIN),
    Row(
        "date",
        rf"(?<![A-Za-z]){_MONTH}\s?(?P<day>{_DAY}){_RANK}(?!:\d)(?:,?\s(?P<year>{_YEAR})(?!:\d)|)",
        _named,
        NAMED,
        starts="JFMASOND",
    ),
    Row(
        "date",
        rf"(?<![A-Za-z]){_MONTH}(?P<day>)\s(?P<year>{_YEAR}){_NO_YEAR_SIGN}{PEOPLE}",
        _named,
        LIKELY + 1,
        starts="JFMASOND",
    ),
    Row(
        "date",
        rf"{FREE}(?P<day>{_DAY}){_RANK}\s{_MONTH}(?:,?\s(?P<year>{_YEAR})(?!:\d)|)",
        _named,
        NAMED,
    ),
    Row(
        "date",
        rf"(?<![A-Za-z]){_MONTH}\s?(?P<day>{_DAY})(?:st|nd|rd|th)?{DASH}(?P<last>{_DAY}){_RANK}(?:,?\s(?P<year>{_YEAR})|)",
        _day_range,
        NAMED + 1,
        starts="JFMASOND",
    ),
    Row(
        "date",
        rf"(?<![A-Za-z])({_DAY_NAME})\.?{DASH}({_DAY_NAME})(?![A-Za-z])",
        _day_names,
        starts="MTWFS",
    ),
    Row(
        "date",
        r"(?<![A-Za-z])(Mon|Tues?|Wed|Thu(?:rs?)?|Fri)(?![A-Za-z'])(?:\.(?!\s*\Z|\s+[A-Z]))?",
        lambda match, _: Words(_DAYS[match[1]]),
        starts="MTWF",
    ),
    Row(
        "date",
        r"(?<![A-Za-z])(Sat|Sun)(?:\.|,)?(?=\s\d|/|\s[A-Z][a-z]{2}\.?\s\d|\s(?:and|&|to|through|thru)\s[MTWFS])",
        lambda match, _: Words(_DAYS[match[1]]),
        starts="S",
    ),
    Row(
        "date",
        r"(?<![A-Za-z])(Sat|Sun)(?![A-Za-z'])",
        lambda match, _: Words(_DAYS[match[1]]),
        starts="S",
        before=rf"{_DAY_NAME}\.?(?:/|,\s|\sand\s|\s&\s)",
    ),
    Row(
        "date",
        rf"(?<![A-Za-z])({_SHORT_MONTH})\.?{DASH}({_SHORT_MONTH})(?![A-Za-z])",
        _month_names,
        starts="JFMASOND",
    ),
    Row(
        "decade",
        rf"{FREE}([2-9]0)s{END}",
        lambda match, _: Decade(match[1]),
        NAMED,
        after=r"\s(?:kids|music|hits|night|party|theme|fashion|style|disco|movies|songs)(?![a-z])",
    ),
    Row("decade", rf"{FREE}((?:1[5-9]|20)\d0)'?s{END}", lambda match, _: Decade(match[1]), NAMED),
    Row(
        "decade",
        rf"(?<![A-Za-z0-9])'?([2-9]0)'?s{END}",
        lambda match, _: Decade(match[1]),
        NAMED,
        before=r"(?i:the|mid|early|late)[ -]'?",
        starts="0-9'",
    ),
    Row(
        "decade",
        rf"(?<![A-Za-z0-9])'([2-9]0)s{END}",
        lambda match, _: Decade(match[1]),
        NAMED,
        starts="'",
    ),
    Row("year", rf"{FREE}({_YEAR})[-–/]({_YEAR}|\d\d){END}(?![-/.]\d)", _years),
    Row("year", rf"{FREE}{_YEAR}{_NO_YEAR_SIGN}{PEOPLE}", lambda match, _: Date(match[0]), LIKELY),
    Row("time", rf"{FREE}{_CLOCK}{_HALF}?", _time),
    Row(
        "time",
        rf"{FREE}(?P<hour>[01]\d|2[0-3])(?P<minute>{_MINUTE})\s?(?:hrs?|hours){END}",
        _hours,
        NAMED,
        before=r"(?<![A-Za-z])(?i:at|by|from|until|till|before|after|departs?|arrives?)\s",
    ),
    Row("time", rf"{FREE}(\d{{1,2}})h\s?(\d{{1,2}})m(?:in)?{END}", _lasting, NAMED),
    Row("time", rf"{FREE}(?P<hour>0?[1-9]|1[0-2]){_HALF}", _time),
)
