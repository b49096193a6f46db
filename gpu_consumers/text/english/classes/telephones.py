"""Telephone numbers, and web and e-mail addresses."""

import re

from seedcast.gpu_consumers.text.classify import CERTAIN, NAMED, Row
from seedcast.gpu_consumers.text.english.classes.calendar import PEOPLE
from seedcast.gpu_consumers.text.english.classes.spelling import at_least_three, spelled
from seedcast.gpu_consumers.text.links import LINK
from seedcast.gpu_consumers.text.patterns import END, FREE, digits_in
from seedcast.gpu_consumers.text.values import Digits, Link, Sequence, Telephone, Value, Words
from seedcast.schemas.locales import Locale

_CALL = (
    r"(?<![A-Za-z])(?i:call|dial|ring|phone|telephone|tel|fax|sms|hotline|helpline|lifeline"
    r"|crisis line|whatsapp)"
)
_CALL_US = (
    rf"{_CALL}(?:[:.]|\s(?:us|me|him|her|them|on|at|to|the|our|your|now|back"
    r"|[a-z]+\s(?:at|on))\b){0,4}\s?"
)
_NEAR_CALL = rf"(?:{_CALL}\b[^.!?]{{0,40}}|NHS\s)"
_EMERGENCY = "911|999|112|111|988|995|000|110|119|120|101|105|211|311|411|511|611|711|811"
_OF_EMERGENCY = r"\s(?:calls?|operators?|dispatch\w*|cent(?:er|re)s?|hotline|helpline)(?![a-z])"
_TEXT_TO = r"(?<![A-Za-z])(?i:text|texts|reply|send|sms|msg|forward)\b[^.!?]{0,32}(?:\bto|到|至)\s"
_GROUPS = r"\d+(?:[ -]\d+){0,8}(?![\w]|-\w)"
_PHONE = (
    r"(?<![\w.])\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){1,6}(?!\d)"
    r"|(?:(?<![\w.+-])1[ .-]?)?(?<![\w.])\(\d{3}\)\s?\d{3}[ .-]\d{4}(?!\d)"
    r"|(?<![\w.])\(0\d{1,3}\)\s?\d{3,4}[ -]\d{3,4}(?!\d)"
    rf"|{FREE}(?<![+-])(?:1[ .-])?\d{{3}}([ .-])\d{{3}}\1\d{{4}}(?![\d-])"
    rf"|{FREE}(?<!-)\d{{3}}-\d{{4}}(?![\w-])"
    rf"|{FREE}0\d{{2,4}} \d{{3,4}} \d{{3,4}}(?!\d)"
    r"|(?<![\w.])\(0\)\d{2,4} \d{3,4} \d{3,4}(?!\d)"
    rf"|{FREE}0\d{{4}} \d{{5,6}}(?!\d)"  # 07700 900123
    rf"|{FREE}1[38]00 \d{{3}} \d{{3}}(?!\d)"
)
_WITH_LETTERS = (  # 1-800-FLOWERS
    rf"{FREE}1[38]00[A-Z]{{4,10}}{END}"
    rf"|{FREE}1[ -]?8\d\d-(?=[0-9-]{{0,8}}[A-Z])[A-Z0-9]{{1,10}}(?:-[A-Z0-9]{{1,10}}){{0,4}}{END}"
)


def _phone(match: re.Match[str], _: Locale) -> Value | None:
    """Return the number; None if it is too short: +5 1/2 is none."""
    if sum(map(str.isdigit, match.group())) < 7:
        return None
    return Telephone(tuple(digits_in(match.group())), match.group().startswith("+"))


def _phone_with_letters(match: re.Match[str], _: Locale) -> Value:
    parts = re.findall("[A-Z]+|[0-9]+", match.group())
    return Sequence(tuple(_word_or_digits(part) for part in parts))


def _word_or_digits(part: str) -> Value:
    if part.isdigit() or len(part) == 1:
        return Digits((part,))
    return Words(part.capitalize())


def _extension(match: re.Match[str], _: Locale) -> Value:
    return Sequence((Words("extension"), Digits((match[1],))))


def _link(match: re.Match[str], _: Locale) -> Value:
    return Link(match.group())


ROWS = (
    Row("link", rf"(?<![\w.@-]){LINK}", _link, CERTAIN, starts="A-Za-z0-9"),
    Row("telephone", _PHONE, _phone, NAMED, starts="0-9+("),
    Row("telephone", _WITH_LETTERS, _phone_with_letters, CERTAIN),
    Row("telephone", _GROUPS, at_least_three, NAMED, before=_CALL_US),
    Row("telephone", rf"(?:{_EMERGENCY}){END}", spelled, NAMED, before=_NEAR_CALL),
    Row("telephone", rf"(?:{_EMERGENCY}){END}", spelled, NAMED, after=_OF_EMERGENCY),
    Row("telephone", rf"\d{{4,6}}{END}{PEOPLE}", spelled, NAMED, before=_TEXT_TO),
    Row("extension", r"x\s?(\d)(?!\w)", _extension, NAMED + 1, before=r"-\d{4}\s", starts="x"),
    Row("code", r"\d{3,6}", spelled, NAMED, r"(?i:send|text)\s", r"\sto\s\d{4,6}(?!\d)"),
    Row("extension", r"x\s?(\d{2,5})(?!\w)", _extension, NAMED, before=r"\d\s", starts="x"),
)
