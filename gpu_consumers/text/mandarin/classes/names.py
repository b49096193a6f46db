"""Letters with digits, versions, addresses, and letters that are spelled."""

import re

from seedcast.gpu_consumers.text.classify import CERTAIN, LIKELY, NAMED, PLAIN, Row
from seedcast.gpu_consumers.text.english.classes import letters as english_letters
from seedcast.gpu_consumers.text.english.classes.letters import letter_parts
from seedcast.gpu_consumers.text.links import LINK
from seedcast.gpu_consumers.text.mandarin.classes.patterns import (
    START,
    number_of,
    spelled,
    text_before,
)
from seedcast.gpu_consumers.text.patterns import digits_in
from seedcast.gpu_consumers.text.values import (
    Characters,
    Digits,
    Link,
    Number,
    Range,
    Sequence,
    Value,
    Version,
    Words,
)
from seedcast.schemas.locales import Locale

_TITLES = {"Mr": "mister", "Mrs": "missus", "Ms": "miss", "Dr": "doctor", "Prof": "professor"}


def letters(word: str) -> Value:
    """Return a word, or its letters if it is an abbreviation: USB, pH, and IT, which is no "it"."""
    is_pair = len(word) == 2 and word.isupper()
    return Words(" ".join(word) if is_pair else letter_parts(word))


def _letters(match: re.Match[str], _: Locale) -> Value:
    return letters(match.group())


def _title(match: re.Match[str], _: Locale) -> Value:
    return Words(_TITLES[match[1]])


def _product(match: re.Match[str], _: Locale) -> Value:
    """Return the parts of a name such as iPhone15, MP3 or SF1234567890.

    A number of one or two digits is a count if the name has at most three digits.
    """
    parts = re.findall(r"[A-Za-z]+|[0-9]+|(?<=[0-9])-(?=[0-9])", match.group())
    total = sum(len(part) for part in parts if part.isdigit())
    return Sequence(tuple(_part(part, total) for part in parts))


def _spelled(match: re.Match[str], _: Locale) -> Value:
    return spelled(match.group())


def _groups(match: re.Match[str], _: Locale) -> Value:
    return Digits(tuple(digits_in(match.group())))


def _oil(match: re.Match[str], _: Locale) -> Value:
    """Return 5W-40."""
    first, second = map(Number, digits_in(match.group()))
    return Sequence((first, Characters("W"), second))


def _brand(match: re.Match[str], _: Locale) -> Value:
    """Return a name of digits without a pause: 7-11, 台北101."""
    return Digits(("".join(digits_in(match.group())),))


def _both(match: re.Match[str], _: Locale) -> Value:
    """Return Q1-Q3 or B1-3, from the first to the last."""
    first, last = map(Number, digits_in(match.group()))
    letter = Characters(match["letter"])
    is_said_twice = match.group().count(match["letter"]) == 2
    return Range(Sequence((letter, first)), Sequence((letter, last)) if is_said_twice else last)


def _part(part: str, total: int) -> Value:
    if part == "-":
        return Words("杠")
    if not part.isdigit():
        return letters(part)
    is_count = len(part) <= 2 and total <= 3 and part[0] != "0"
    return Number(part) if is_count else spelled(part)


def _pointed(match: re.Match[str], _: Locale) -> Value:
    """Return a name with a version: USB3.0, iOS17.5, v2.0.1."""
    name, version = match["name"], match["version"]
    if name in ("v", "V"):
        return _version_of(version, named=not text_before(match).endswith("版本"))
    return Sequence((letters(name), _version_of(version)))


def _version_of(text: str, *, named: bool = False) -> Value:
    parts = tuple(text.split("."))
    return number_of(text) if len(parts) == 2 and not named else Version(parts, named)


def _version(match: re.Match[str], _: Locale) -> Value:
    return _version_of(match.group())


def _address(match: re.Match[str], _: Locale) -> Value | None:
    """Return an address of a computer, digit by digit."""
    parts = digits_in(match.group())
    if any(int(part) > 255 for part in parts):
        return None
    values: list[Value] = []
    for part in parts:
        values += [Words("点")] if values else []
        values.append(Digits((part,)))
    return Sequence(tuple(values))


def _link(match: re.Match[str], _: Locale) -> Value:
    return Link(match.group())


_MIXED = (
    r"(?=[A-Za-z]{1,20}-?[0-9]|[0-9]{1,20}-?[A-Za-z])"
    r"[A-Za-z0-9]{1,40}(?:-[A-Za-z0-9]{1,20}){0,4}"
)
_NAMED_VERSION = (
    r"(?P<name>(?!IP[ :])[A-Za-z]{1,20})[- ]?(?P<version>[0-9]{1,4}(?:\.[0-9]{1,6}){1,4})"
    r"(?![0-9]|\.[0-9]|\s?[%‰])"
)
ROWS = (
    Row("link", rf"(?<![A-Za-z0-9.@_-]){LINK}", _link, CERTAIN, starts="A-Za-z0-9"),
    Row("product", _MIXED, _product, LIKELY, starts="A-Za-z0-9"),
    Row("gate", "[0-9]{1,2}[A-K](?![A-Za-z0-9])", _product, NAMED,
        after="检票口|登机口|出口|入口|[座号区口门室栋楼床]|通道|展位|车厢|航站楼"),
    Row("brand", "7-11(?![0-9-])", _brand, NAMED, "[至到在去往家]", "(?![天日月号个人])"),
    Row("brand", "7-11(?![0-9-])", _brand, NAMED, after="便利|超商|门市|门店|店|取[件货]"),
    Row("brand", "84", _brand, NAMED, after="消毒"),
    Row("brand", "K?N9[059](?![A-Za-z0-9])", _spelled, NAMED, starts="KN"),
    Row("brand", "[0-9]{1,2}W-?[0-9]{2}(?![A-Za-z0-9])", _oil, NAMED),
    Row("brand", "[0-9]{3}/[0-9]{2}(?=R[0-9]{2})", _groups, NAMED),
    Row("brand", "101(?![0-9])", _brand, NAMED, "台北"),
    Row("rating", "[1-9]A(?![A-Za-z0-9])", _product, NAMED,
        after="[级类]|景区|旅游|认证|写字楼|企业|信用"),
    Row("range", r"(?P<letter>[A-Z])[0-9]{1,2}[-~–](?P=letter)[0-9]{1,2}(?![A-Za-z0-9])", _both,
        starts="A-Z"),
    Row("range", r"(?P<letter>[A-Z])[0-9]{1,2}[-~–][0-9]{1,2}(?![A-Za-z0-9])", _both, NAMED,
        after="[层楼]", starts="A-Z"),
    Row("version", _NAMED_VERSION, _pointed, starts="A-Za-z"),
    Row("version", r"(?P<name>v)(?P<version>[0-9]{1,4})(?![A-Za-z0-9])", _pointed, starts="v"),
    Row("version", rf"{START}[0-9]{{1,4}}(?:\.[0-9]{{1,4}}){{2,4}}(?![0-9]|\.[0-9])", _version),
    Row("address", rf"{START}[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}(?![0-9]|\.[0-9])", _address,
        NAMED),
    Row("letters", r"[A-Z]{2}(?![A-Za-z0-9])", _letters, starts="A-Z"),
    *english_letters.ROWS,
    Row("title", rf"({'|'.join(_TITLES)})(?![A-Za-z])\.?(?=\s?[A-Z])", _title, PLAIN, starts="A-Z"),
)  # fmt: skip
