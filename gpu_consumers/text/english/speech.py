"""Says a value in English."""

from collections.abc import Iterable
from typing import assert_never

from seedcast.gpu_consumers.text import values as v
from seedcast.gpu_consumers.text.english.dates import say_date, say_range, say_time
from seedcast.gpu_consumers.text.english.numbers import (
    count,
    decade,
    fraction,
    ordinal,
    spell,
)
from seedcast.gpu_consumers.text.english.quantities import say_measure, say_money, say_number
from seedcast.gpu_consumers.text.english.signs import IN_LINKS, SIGNS
from seedcast.gpu_consumers.text.links import say_link
from seedcast.schemas.locales import Locale


def say(value: v.Value, locale: Locale) -> str:
    """Return the words for a value, without digits and signs."""
    match value:
        case v.Words(text):
            return text
        case v.Number():
            return say_number(value)
        case v.Digits(groups):
            return say_groups(groups)
        case v.Telephone(groups, plus, extension):
            said = ("plus " if plus else "") + say_groups(groups)
            return said + (f", extension {spell(extension)}" if extension else "")
        case v.Ordinal(number):
            return ordinal(number)
        case v.Date():
            return say_date(value, locale)
        case v.Decade(year):
            return decade(year)
        case v.Time():
            return say_time(value)
        case v.Money():
            return say_money(value)
        case v.Measure():
            return say_measure(value)
        case v.Range(first, last):
            return say_range(first, last, lambda part: say(part, locale))
        case v.Fraction(numerator, denominator, whole):
            return _say_fraction(numerator, denominator, whole)
        case v.Ratio(first, second) | v.Score(first, second):
            return f"{count(first)} to {count(second)}"
        case v.Over(first, second):
            return f"{count(first)} over {count(second)}"
        case v.Sign(sign):
            return SIGNS[sign]
        case v.Version(parts, named):
            return ("version " if named else "") + " point ".join(map(_version_part, parts))
        case v.Link(text):
            return say_link(text, IN_LINKS, spell)
        case v.Characters(text):
            return " ".join(_characters(text))
        case v.Sequence(parts):
            return " ".join(say(part, locale) for part in parts)
        case _:
            assert_never(value)


def say_groups(groups: Iterable[str]) -> str:
    """Return digits and letters one by one, with a pause between groups."""
    return ", ".join(" ".join(_characters(group)) for group in groups)


def _characters(text: str) -> Iterable[str]:
    for character in text:
        if character.isdigit():
            yield spell(character)
        elif character.isalpha():
            yield character.upper()
        elif said := IN_LINKS.get(character, ""):
            yield said


def _version_part(part: str) -> str:
    return spell(part) if part.startswith("0") else count(part)


def _say_fraction(numerator: str, denominator: str, whole: str) -> str:
    part = fraction(numerator, denominator)
    if not whole:
        return part
    part = part.replace("one half", "a half")
    return f"{count(whole)} and {part}"
