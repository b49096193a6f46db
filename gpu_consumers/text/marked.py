"""The pieces of markup for the reader: one text to find languages and classes in, and its values.

A piece that is no plain text is one character in that text: a digit, which belongs to no language
and parts none, or the end of a line for a break. The reader puts what the piece says in its place.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

from seedcast.catalog.markup import Break, Phonemes, Piece, SayAs, Substitution, Text
from seedcast.gpu_consumers.text import values as v
from seedcast.gpu_consumers.text.english.classes.spelling import cut
from seedcast.schemas.locales import Locale

_PLACE, _PLACE_OF_BREAK = "0", "\n"
LONGEST_UNIT = 24  # characters after a number in which its unit ends
Mark = SayAs | Break | Substitution | Phonemes


@dataclass(frozen=True, slots=True)
class Marked:
    """A text, and the places in it that are marks."""

    text: str  # in Unicode's normal form C
    marks: tuple[tuple[int, Mark], ...]


def join(pieces: Iterable[Piece]) -> Marked:
    """Return the pieces as one text."""
    text, marks = "", list[tuple[int, Mark]]()
    for piece in pieces:
        if isinstance(piece, Text):
            text += unicodedata.normalize("NFC", piece.text)
        else:
            marks.append((len(text), piece))
            text += _PLACE_OF_BREAK if isinstance(piece, Break) else _PLACE
    return Marked(text, tuple(marks))


def value_of(said: SayAs, locale: Locale) -> v.Value:
    """Return the value; its parts are as `catalog.say_as` documents them."""
    match said.kind, said.parts:
        case "digits", groups:
            return v.Digits(tuple(part for group in groups for part in cut(group)))
        case "number", (sign, whole, fraction):
            return v.Number(whole, fraction, bool(sign))
        case "money", (currency, sign, whole, fraction):
            own = currency == "USD" and locale == "en-US"  # there they are dollars, and not US ones
            return v.Money(v.Number(whole, fraction, bool(sign)), "$" if own else currency)
        case "date", (year, month, day):
            return v.Date(year, int(month or 0), int(day or 0))
        case "time", (hour, minute, second, half):
            return v.Time(int(hour), _int(minute), _int(second), cast(v.Half, half))
        case "telephone", (plus, extension, *groups):
            return v.Telephone(_grouped(groups), bool(plus), extension)
        case "characters", (text,):
            return v.Characters(text)
        case kind, _:
            raise ValueError(f"no value for {kind}")


def with_point(number: v.Number) -> str:
    """Return a number as it is written, without a sign."""
    return number.whole + (f".{number.fraction}" if number.fraction else "")


def with_unit(number: v.Number, found: v.Value, length: int) -> tuple[v.Value, int]:
    """Return the number as what was found makes it, and the length of the unit after it.

    Of what is no number of something only the number is taken: the mark says what it is.
    """
    match found:
        case v.Measure(v.Number(scale=scale)) | v.Money(v.Number(scale=scale)):
            return replace(found, number=replace(number, scale=scale)), length
        case v.Number(scale=scale) if scale:
            return replace(number, scale=scale), length
    return number, 0


def _grouped(groups: list[str]) -> tuple[str, ...]:
    """Return the groups of a telephone number; one that has none is cut as it is read aloud."""
    *before, last = groups
    if len(last) == 11 and last[0] == "1":
        return (*before, last[:3], last[3:7], last[7:])
    if len(last) == 10:
        return (*before, last[:3], last[3:6], last[6:])
    return (*before, *cut(last))


def _int(digits: str) -> int | None:
    return int(digits) if digits else None
