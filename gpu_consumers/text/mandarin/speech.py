"""Says a value in Mandarin.

Commas are pauses. 1 is 幺 in codes and telephone numbers, and 一 in years.
"""

from collections.abc import Iterable
from typing import assert_never

from seedcast.gpu_consumers.text import values as v
from seedcast.gpu_consumers.text.links import say_link
from seedcast.gpu_consumers.text.mandarin.counts import count, digits
from seedcast.gpu_consumers.text.mandarin.dates import say_date, say_decade, say_time
from seedcast.gpu_consumers.text.mandarin.quantities import (
    say_fraction,
    say_measure,
    say_money,
    say_number,
    say_range,
)
from seedcast.gpu_consumers.text.mandarin.signs import IN_LINKS, SIGNS
from seedcast.schemas.locales import Locale


def say(value: v.Value, locale: Locale) -> str:
    """Return the words for a value, without digits and signs."""
    match value:
        case v.Words(text):
            return text
        case v.Number():
            return say_number(value)
        case v.Digits(groups):
            return _groups(groups)
        case v.Telephone(groups, plus, extension):
            said = ("加" if plus else "") + _groups(groups)
            return said + (f"转{spell(extension)}" if extension else "")
        case v.Ordinal(number):
            return f"第{count(number)}"
        case v.Date():
            return say_date(value)
        case v.Decade():
            return say_decade(value)
        case v.Time():
            return say_time(value)
        case v.Money():
            return say_money(value)
        case v.Measure():
            return say_measure(value)
        case v.Range():
            return say_range(value, lambda part: say(part, locale))
        case v.Fraction():
            return say_fraction(value)
        case v.Ratio(first, second) | v.Score(first, second) | v.Over(first, second):
            return f"{count(first)}比{count(second)}"
        case v.Sign(sign):
            return SIGNS.get(sign, "")
        case v.Version(parts, named):
            return ("版本" if named else "") + "点".join(map(_version_part, parts))
        case v.Link(text):
            return say_link(text, IN_LINKS, digits)
        case v.Characters(text):
            return " ".join(filter(None, map(_character, text)))
        case v.Sequence(parts):
            return " ".join(say(part, locale) for part in parts)
        case _:
            assert_never(value)


def spell(group: str) -> str:
    """Return digits and letters one by one."""
    return "".join(map(_character, group))


def _groups(groups: Iterable[str]) -> str:
    return "，".join(map(spell, groups))


def _character(character: str) -> str:
    if character.isdigit():
        return digits(character)
    return f" {character.upper()} " if character.isalpha() else IN_LINKS.get(character, "")


def _version_part(part: str) -> str:
    if not part.isdigit():
        return spell(part)
    return digits(part, one="一") if part[0] == "0" else count(part)
