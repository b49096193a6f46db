"""Letters and digits together: CA1234, iPhone15, 2FA, 500xyz; versions and network addresses."""

import re

from seedcast.gpu_consumers.text.classify import LIKELY, NAMED, Row
from seedcast.gpu_consumers.text.english.classes.codes import AFTER_THINGS
from seedcast.gpu_consumers.text.english.classes.letters import letter_parts
from seedcast.gpu_consumers.text.english.classes.spelling import cut_digits
from seedcast.gpu_consumers.text.patterns import END, FREE, digits_in
from seedcast.gpu_consumers.text.values import Digits, Number, Sequence, Value, Version, Words
from seedcast.schemas.locales import Locale

_LETTERS_FIRST = (
    r"(?:[A-Za-z]{1,40}|[A-Z]{1,40}-)\d[A-Za-z0-9]{0,40}(?:-[A-Za-z0-9]{1,20}){0,4}"
    rf"(?:\.\d{{1,6}}){{0,3}}{END}"
)
_DIGITS_FIRST = (
    rf"\d{{1,40}}(?=[A-Z-]{{0,20}}[A-Z])[A-Z0-9]{{1,40}}(?:-[A-Z0-9]{{1,20}}){{0,4}}{END}"
)
_VERSION = rf"\d{{1,6}}(?:\.\d{{1,6}}){{1,5}}{END}"


def _mixed(match: re.Match[str], _: Locale) -> Value:
    """Return letters and digits in turn. Few digits are a number, a long run is spelled."""
    parts = re.findall(r"[A-Za-z]+|\d+(?:\.\d+)*", match.group())
    total = sum(len(part) for part in parts if part[0].isdigit())
    return Sequence(tuple(_part(part, total) for part in parts))


def _part(part: str, total: int) -> Value:
    if part[0].isalpha():
        return Words(letter_parts(part))
    if "." in part:
        return Version(tuple(part.split(".")))
    if len(part) <= 2 and total <= 3 and part[0] != "0":
        return Number(part)
    return Digits(tuple(cut_digits(part)))


def _counted(match: re.Match[str], _: Locale) -> Value:
    """Return a number and the letters after it, whatever they mean: 450xyz."""
    return Sequence((Number(match[1]), Words(letter_parts(match[2]))))


def _plan(match: re.Match[str], _: Locale) -> Value:
    return Sequence((Digits((match[1],)), Words(match[2].upper())))


def _version(match: re.Match[str], _: Locale) -> Value:
    return Version(tuple(digits_in(match.group())), named=match.group()[0] in "vV")


def _after_its_name(match: re.Match[str], _: Locale) -> Value:
    return Version(tuple(digits_in(match.group())))


def _address(match: re.Match[str], _: Locale) -> Value | None:
    """Return the address of a machine: four numbers up to 255, spelled."""
    first, *others = match.group().split(".")
    if any(int(part) > 255 for part in (first, *others)):
        return None
    parts: list[Value] = [Digits((first,))]
    for part in others:
        parts += [Words("point"), Digits((part,))]
    return Sequence(tuple(parts))


ROWS = (
    Row("name", _LETTERS_FIRST, _mixed, starts="A-Za-z"),
    Row("name", _DIGITS_FIRST, _mixed, LIKELY),
    Row("name", rf"{FREE}(401|403|457)\(([kb])\)", _plan, NAMED),
    Row("name", rf"\d{{1,2}}[A-Z]{END}", _mixed, NAMED, AFTER_THINGS),
    Row("number", rf"{FREE}(?!0\d)(\d{{1,15}})([A-Za-z]{{1,40}}){END}", _counted, LIKELY + 1),
    Row("version", rf"[vV]{_VERSION}", _version, NAMED, starts="vV"),
    Row("version", rf"[vV]{_VERSION}", _after_its_name, NAMED + 1, r"(?i:version)\s", starts="vV"),
    Row("version", rf"{FREE}\d{{1,6}}(?:\.\d{{1,6}}){{2,5}}{END}", _version),
    Row("address", rf"{FREE}\d{{1,3}}(?:\.\d{{1,3}}){{3}}{END}(?!\.\d)", _address, NAMED),
)
