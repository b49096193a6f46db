"""What a stretch of text is, apart from how it is written and in which language it is said.

A class (`classify.Row`) or markup makes a value, and a verbaliser (`english.say`, `mandarin.say`)
says it. Numbers are strings of digits, so that leading zeros survive and no length overflows.
"""

from dataclasses import dataclass
from typing import Literal

Half = Literal["", "am", "pm"]


@dataclass(frozen=True, slots=True)
class Number:
    """A count or a measured quantity: "1,500" has whole="1500"; "-.5" has whole="0"."""

    whole: str
    fraction: str = ""
    negative: bool = False
    scale: str = ""  # a word that multiplies it, as it is said: "million", "万"


@dataclass(frozen=True, slots=True)
class Digits:
    """A code, an account, a room: said one by one, letters spelled, a pause between groups."""

    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Telephone:
    """Digits with what only telephone numbers have."""

    groups: tuple[str, ...]
    plus: bool = False
    extension: str = ""


@dataclass(frozen=True, slots=True)
class Ordinal:
    """A rank: "2nd", "第2"."""

    number: str


@dataclass(frozen=True, slots=True)
class Date:
    """Any part may be missing: "" or 0."""

    year: str = ""  # two or four digits, as written
    month: int = 0  # 1–12
    day: int = 0


@dataclass(frozen=True, slots=True)
class Decade:
    """The 1990s, the '90s, 90年代."""

    year: str  # its first, with two or four digits


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day."""

    hour: int
    minute: int | None = None
    second: int | None = None
    half: Half = ""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money; `currency` is its code in ISO 4217, or "" where none is written."""

    number: Number
    currency: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of units; `unit` is a sign of `units`, or two with a slash between: mg/day."""

    number: Number
    unit: str


@dataclass(frozen=True, slots=True)
class Range:
    """From the first to the last: 3–5 days, 9:00-17:00."""

    first: "Value"
    last: "Value"


@dataclass(frozen=True, slots=True)
class Fraction:
    """A half is Fraction("1", "2"); one and a half has whole="1"."""

    numerator: str
    denominator: str
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One thing to another: 16:9."""

    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Score:
    """The points of two sides: 3-2."""

    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Over:
    """One number over another: blood pressure, 120/80."""

    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign between or before values: "-" minus, "=" equals. Its key in the table of signs."""

    sign: str


@dataclass(frozen=True, slots=True)
class Version:
    """Numbers with points between: 17.5.1. `named` if the word "version" is said before it."""

    parts: tuple[str, ...]
    named: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A web or e-mail address, said sign by sign."""

    text: str


@dataclass(frozen=True, slots=True)
class Characters:
    """Each character by its name: spelled letters, digits, signs."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """What is said as it stands."""

    text: str
    phonemes: str = ""  # how, where an engine can: pinyin with tone numbers, or IPA


@dataclass(frozen=True, slots=True)
class Sequence:
    """Values said one after the other: "iPhone15" is a word and a number."""

    parts: tuple["Value", ...]


Value = (
    Number
    | Digits
    | Telephone
    | Ordinal
    | Date
    | Decade
    | Time
    | Money
    | Measure
    | Range
    | Fraction
    | Ratio
    | Score
    | Over
    | Sign
    | Version
    | Link
    | Characters
    | Words
    | Sequence
)
