"""The table of readings in tests/fixtures/readings: written texts, and what a listener must hear.

`load` reads it; `matches` compares what a front end says with a case. The conventions of the
table are in the README beside its files. Not covered: sound. Pauses, tones and the voice are not
compared, only words.
"""

import functools
import itertools
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "fixtures" / "readings"
HEADER = "locale\ttext\tspoken"
LOCALES = ("zh-CN", "zh-TW", "zh-HK", "en-US", "en-GB")
MOST_READINGS = 512  # of one case: a slip in the braces should be an error, not a long wait

_IDEOGRAPHS = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_BETWEEN_IDEOGRAPHS = re.compile(rf"(?<=[{_IDEOGRAPHS}]) (?=[{_IDEOGRAPHS}])")


@dataclass(frozen=True)
class Case:
    """One text of the table; `kind` is its file's name without the suffix."""

    kind: str
    locale: str
    text: str
    alternatives: tuple[str, ...]  # every reading that is right, the preferred one first


def load(folder: Path = FOLDER) -> tuple[Case, ...]:
    """Every case of every file, or ValueError that names the file and line at fault."""
    files = sorted(folder.glob("*.tsv"))
    if not files:
        raise ValueError(f"{folder}: expected files named KIND.tsv, found none")
    return tuple(case for file in files for case in _read(file))


def _read(file: Path) -> Iterator[Case]:
    # Not splitlines(), which would also split at the rarer separators that a text may contain.
    header, *lines = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    if header != HEADER:
        raise ValueError(f"{file.name}:1: expected the header {HEADER!r}, got {header!r}")
    for number, line in enumerate(lines, start=2):
        try:
            yield _parse(file.stem, line)
        except ValueError as error:
            raise ValueError(f"{file.name}:{number}: {error}") from None


def _parse(kind: str, line: str) -> Case:
    columns = line.split("\t")
    if len(columns) != 3 or not all(column.strip() == column != "" for column in columns):
        raise ValueError(f"expected locale, text and spoken between single tabs, got {line!r}")
    locale, text, spoken = columns
    if locale not in LOCALES:
        raise ValueError(f"expected a locale of {', '.join(LOCALES)}, got {locale!r}")
    return Case(kind, locale, text, expand(spoken))


def expand(spoken: str) -> tuple[str, ...]:
    """Every reading that a `spoken` column allows: `a | b` for wholes, `{a|b}` for spans."""
    readings: list[str] = []
    for whole in spoken.split(" | "):
        readings += _expand_spans(whole, MOST_READINGS - len(readings))
    if not all(readings):
        raise ValueError(f"expected words in every reading, got an empty one: {spoken!r}")
    return tuple(readings)


def _expand_spans(whole: str, most: int) -> Iterator[str]:
    spans = re.split(r"\{([^{}]*)\}", whole)  # text, alternatives, text, alternatives, …, text
    if re.search(r"[{}|]", "".join(spans[::2])):
        raise ValueError(f"expected {{a|b}} or ' | ', neither nested nor half open, got {whole!r}")
    choices = [span.split("|") if index % 2 else [span] for index, span in enumerate(spans)]
    if math.prod(map(len, choices)) > most:
        raise ValueError(f"expected at most {MOST_READINGS} readings, got more: {whole!r}")
    return (_tidy("".join(parts)) for parts in itertools.product(*choices))


def _tidy(reading: str) -> str:
    """One space between words, none between ideographs."""
    return _BETWEEN_IDEOGRAPHS.sub("", " ".join(reading.split()))


# A Latin word, one ideograph, or one sign: what separates them has no sound.
_TOKEN = re.compile(rf"[{_IDEOGRAPHS}]|[^\W_{_IDEOGRAPHS}]+|[^\w\s]")
_APOSTROPHES = re.compile("['’ʼ]")
# Punctuation that is read as a word: left in what is spoken, it is a fault.
_SOUNDING = frozenset("%‰&#@*/\\§")
_TRADITIONAL_NUMBERS = str.maketrans("〇兩點負萬億", "零两点负万亿")

_SCALE = "(?:hundred|thousand|million|billion|trillion)"
_SMALL = (
    "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
)
# What a listener does not tell apart or does not mind. It is written on words between spaces.
_SAME = (
    (re.compile(r"\boh\b"), "zero"),
    (re.compile(r"\bper cent\b"), "percent"),
    (re.compile(r"\b(\w*(?:met|lit))re(s?)\b"), r"\1er\2"),
    # Not in "one hundred and two hundred", which are two numbers.
    (re.compile(rf"\b({_SCALE}) and (?={_SMALL}\b(?! {_SCALE}\b))"), r"\1 "),
    (re.compile("两 (?=[百千万亿])"), "二 "),
)


@functools.cache
def words(spoken: str) -> str:
    """What is compared: words in lower case and single ideographs, between spaces.

    Punctuation is left out. What a listener does not tell apart, or does not mind, is one word:
    `oh` and `zero`, `metre` and `meter`, `hundred and five` and `hundred five`, 两百 and 二百.
    """
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", spoken).lower())
    plain = plain.translate(_TRADITIONAL_NUMBERS)
    compared = " ".join(token for token in _TOKEN.findall(plain) if _has_sound(token))
    for pattern, word in _SAME:
        compared = pattern.sub(word, compared)
    return compared


def _has_sound(token: str) -> bool:
    return unicodedata.category(token[0])[0] not in "PC" or token in _SOUNDING


def matches(case: Case, spoken: str) -> bool:
    """Whether a listener of `spoken` hears one of the case's readings, word by word."""
    heard = words(spoken)
    return any(heard == words(reading) for reading in case.alternatives)
