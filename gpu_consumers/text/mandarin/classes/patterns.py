"""What the patterns of several classes are made of, and the values of what they match.

All of them take bounded time at a place, as `classify.Row` asks.
"""

import re

from seedcast.gpu_consumers.text.mandarin.measures import MEASURE_WORD
from seedcast.gpu_consumers.text.values import Digits, Number, Sequence, Value, Words

HAN = "[\u4e00-\u9fff]"
# Not inside a word or a number, but in 7x24 and in a date with T.
START = r"(?:(?<![A-Za-z0-9.])|(?<=[0-9][xXT]))"
END = r"(?![A-Za-z0-9]|[-.][0-9])"
WHOLE_NUMBER = (
    r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}(?![0-9]|,[0-9])|[0-9]{1,40}(?![0-9]))"
    r"(?:\.[0-9]{1,15}(?![0-9]|\.[0-9]))?"
)
NUMBER = rf"(?:{WHOLE_NUMBER}|\.[0-9]{{1,15}}(?![0-9]|\.[0-9]))"  # .5 too
SCALE = (
    r"(?:百万|千万|十亿|百亿|千亿|万亿|[万亿千百](?![分达])"
    r"|[wWk](?![A-Za-z0-9])|(?:thousand|million|billion|trillion)(?![A-Za-z]))"
)
DASH = r"(?:-{1,2}|[~–—])"
# What follows a number that is no code: a unit, a measure word, a time, a percent.
COUNTED = rf"\s?(?:{MEASURE_WORD}|[%‰°$¥€£]|:[0-9]|[多余]|以[上下内]|左右|上下|起(?![飞床步诉]))"


def any_of(words: str) -> str:
    """Return a pattern for any of some words; spaces stand between."""
    return "(?:" + "|".join(sorted(words.split(), key=len, reverse=True)) + ")"


def number_of(written: str) -> Number:
    """Return a number as written: with commas, a point, a sign, a scale such as 万, w or k."""
    found = re.match(rf"(?P<sign>-?)(?P<number>{NUMBER})\s?(?P<scale>.*)", written.strip())
    if not found:
        raise ValueError(f"expected a number, got {written!r}")
    whole, _, fraction = found["number"].replace(",", "").partition(".")
    if "," in written and fraction == "00":
        fraction = ""
    scale, is_negative = found["scale"].lower(), bool(found["sign"])
    if scale == "k" and len(fraction) <= 3:
        return Number(whole + fraction.ljust(3, "0"), negative=is_negative)
    return Number(whole or "0", fraction, is_negative, "万" if scale == "w" else scale)


def text_before(match: re.Match[str]) -> str:
    """Return the few characters before a match, without the space at their end."""
    return match.string[max(0, match.start() - 8) : match.start()].rstrip()


def is_rate(match: re.Match[str]) -> bool:
    """Return True if a slash follows a match, as in 0.5元/度."""
    return match.string[match.end() : match.end() + 2].lstrip().startswith("/")


def spelled(code: str) -> Value:
    """Return a code as it is read: 杠 for a hyphen beside short parts, else a pause."""
    parts = re.split(r"\s?-\s?", code.strip())
    are_long = all(part.isdigit() and len(part) > 2 for part in parts)
    if len(parts) == 1 or are_long:
        return Digits(tuple(group for part in parts for group in _groups(part)))
    values: list[Value] = []
    for part in parts:
        values += [Words("杠")] if values else []
        values.append(Digits(tuple(_groups(part))))
    return Sequence(tuple(values))


def _groups(part: str) -> list[str]:
    return [group for piece in part.split() for group in _cut(piece)]


def _cut(piece: str) -> list[str]:
    """Cut a piece at its long runs of digits; letters stay with what follows: SF1234, 5678."""
    if not re.search("[0-9]{6}", piece):
        return [piece]
    groups: list[str] = []
    for letters, run in re.findall("([^0-9]*)([0-9]*)", piece):
        first, *others = _cut_run(run)
        groups += [letters + first, *others]
    return [group for group in groups if group]


def _cut_run(run: str) -> list[str]:
    """Cut a long string of digits as it is read aloud: six in threes, more in fours."""
    if len(run) < 6:
        return [run]
    size = 3 if len(run) == 6 else 4
    return [run[start : start + size] for start in range(0, len(run), size)]
