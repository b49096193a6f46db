"""Codes, telephone numbers, names of versions: what is said digit by digit, and what only looks so.

A number is a code beside a word of its kind, before or after it, and so is each number of a list
that begins beside one.
"""

import re

from seedcast.gpu_consumers.text.classify import CERTAIN, LIKELY, NAMED, Row
from seedcast.gpu_consumers.text.english.classes.letters import letter_parts
from seedcast.gpu_consumers.text.links import LINK
from seedcast.gpu_consumers.text.patterns import END, FREE, digits_in
from seedcast.gpu_consumers.text.values import (
    Digits,
    Link,
    Number,
    Sequence,
    Telephone,
    Value,
    Version,
    Words,
)
from seedcast.schemas.locales import Locale

# Words whose number is a code, however short the text between.
_CODES = (
    r"codes?|PINs?|OTPs?|pin|otp|passcodes?|passwords?|password|SSN|tracking|IBAN|ID|IDs|id|hotline"
    r"|number|numbers|no\.|nos\.|No\.|#|ref|reference|serial|routing|zip|ZIP|postcode|ext\.?|extension"
    r"|ending|PNR|licen[cs]e|plate|VIN|SKU|P\.?O\.? Box|IMEI"
)
# Words whose number is a code where it follows at once.
_THING = (
    r"orders?|tickets?|flights?|trains?|buses|bus|accounts?|acct|cards?|rooms?|rm|invoices?|cases?"
    r"|bookings?|claims?|polic(?:y|ies)|members?|parcels?|packages?|shipments?|gates?|lockers?"
    r"|boxe?s?|agents?|apt|apartment|suite|ste|unit|hwy|highway|route|channel|platform|docket"
    r"|confirmation|transaction|request|requests|customer|employee|badge|vehicle|area|form"
)
_LINKS = (  # what may stand between such a word and its number
    r"(?:\s?(?:[:#,]|\b(?:is|are|was|were|no|number|nr|id|code|ending|in|with|such|as|now|your)\b"
    r"\.?)){0,4}\s?"
)
# The numbers before it in a list, with what stands between them.
_LIST = r"(?:[A-Z0-9-]*\d[A-Z0-9-]*(?:\s?[,/&;]|\s(?:and|or)\b|,\s(?:and|or)\b)\s?)"
_BEFORE_CODES = rf"(?<![A-Za-z])(?i:{_CODES}){_LINKS}{_LIST}{{0,4}}"
_BEFORE_THING = rf"(?<![A-Za-z])(?i:{_THING})(?:\s?#|\sno\.?|\snumber|:)?\s?{_LIST}{{0,4}}"
_BEFORE_THING_IS = rf"(?<![A-Za-z])(?i:{_THING})(?:\sno\.?|\snumber)?\s(?:is|are|was|were)\s"
_AFTER = (
    r"(?:\s(?:is|was|are)|\s?[:=-])\s(?:your|the|my|our|a|an)\s(?:[A-Za-z-]+\s){0,4}?"
    r"(?i:code|otp|pin|passcode|password|number|id)s?(?![A-Za-z])"
)
_CALL = r"(?<![A-Za-z])(?i:call|dial|ring|phone|telephone|tel|fax|sms|hotline|helpline|whatsapp)"
_CALL_US = (
    rf"{_CALL}(?:[:.]|\s(?:us|me|him|her|them|on|at|to|the|our|your|now|back"
    r"|[a-z]+\s(?:at|on))\b){0,4}\s?"
)
_SHORT_CODE = r"(?<![A-Za-z])(?i:text|reply|send|sms|msg)\b[^.!?]{0,32}\bto\s"
_EMERGENCY = "911|999|112|111|988|995|000|110|119|120|101|105|211|311|411|511|611|711|811"
_NEAR_CALL = rf"{_CALL}\b[^.!?]{{0,40}}"
_USE = r"(?<![A-Za-z])(?:Use|Enter|Type|Input|use|enter|type|quote|Quote)\s"
_FOR = r"\s(?:to|as|for|at|when|on|in|within|before)\b"
_PLACES = (
    r"(?i:deliver|ship|mail|send|sent|serv|mov|area|resident|weather|zip)\w*\s(?:[\w,]+\s){0,3}?"
)

_GROUPS = r"\d+(?:[ -]\d+){0,8}(?![\w]|-\w)"  # 471 903, 123-456-789
_MIXED = r"(?=[A-Z-]{0,12}\d)[A-Z0-9]{1,40}(?:-[A-Z0-9]{1,20}){0,4}(?![\w])"
_PHONE = (
    rf"(?<![\w.])\+\d{{1,3}}(?:[ .-]?\(?\d{{1,5}}\)?){{1,6}}(?!\d)"
    rf"|(?:(?<![\w.+-])1[ .-]?)?(?<![\w.])\(\d{{3}}\)\s?\d{{3}}[ .-]\d{{4}}(?!\d)"
    rf"|{FREE}(?<![+-])(?:1[ .-])?\d{{3}}([ .-])\d{{3}}\1\d{{4}}(?![\d-])"
    rf"|{FREE}(?<!-)\d{{3}}-\d{{4}}(?![\w-])"
    rf"|{FREE}0\d{{2,4}} \d{{3,4}} \d{{3,4}}(?!\d)"
    rf"|{FREE}1[38]00 \d{{3}} \d{{3}}(?!\d)"
)
_WORD_PHONE = (
    rf"{FREE}1[ -]?8\d\d-(?=[0-9-]{{0,8}}[A-Z])[A-Z0-9]{{1,10}}(?:-[A-Z0-9]{{1,10}}){{0,4}}{END}"
)


def spelled(match: re.Match[str], _: Locale) -> Value:
    """Return the groups, each said one by one; a long one is cut as it is read aloud."""
    groups = re.findall("[A-Za-z0-9]+", match.group())
    return Digits(tuple(part for group in groups for part in cut(group)))


def cut(group: str) -> list[str]:
    """Split a long code: six digits in threes, more in fours; letters go with what they touch."""
    parts = [""]
    for run in re.findall(r"[A-Za-z]+|\d+", group):
        first, *others = _cut_digits(run) if run.isdigit() else [run]
        parts = [*parts[:-1], parts[-1] + first, *others]
    return parts


def _cut_digits(digits: str) -> list[str]:
    size = len(digits) if len(digits) < 6 else 3 if len(digits) == 6 else 4
    return [digits[start : start + size] for start in range(0, len(digits), size)]


def _at_least_three(match: re.Match[str], locale: Locale) -> Value | None:
    return spelled(match, locale) if sum(map(str.isdigit, match.group())) >= 3 else None


def _phone(match: re.Match[str], _: Locale) -> Value:
    return Telephone(tuple(digits_in(match.group())), match.group().startswith("+"))


def _word_phone(match: re.Match[str], _: Locale) -> Value:
    parts = re.findall("[A-Z]+|[0-9]+", match.group())
    return Sequence(tuple(_word_or_digits(part) for part in parts))


def _word_or_digits(part: str) -> Value:
    if part.isdigit() or len(part) == 1:
        return Digits((part,))
    return Words(part.capitalize())


def _mixed(match: re.Match[str], _: Locale) -> Value:
    """Return letters and digits in turn: CA1234, iPhone15, COVID-19, 2FA, USB3.0."""
    parts = re.findall(r"[A-Za-z]+|\d+(?:\.\d+)*", match.group())
    total = sum(len(part) for part in parts if part[0].isdigit())
    return Sequence(tuple(_mixed_part(part, total) for part in parts))


def _mixed_part(part: str, total: int) -> Value:
    if part[0].isalpha():
        return Words(letter_parts(part))
    if "." in part:
        return Version(tuple(part.split(".")))
    if len(part) <= 2 and total <= 3 and part[0] != "0":
        return Number(part)
    return Digits(tuple(_cut_digits(part)))


def _counted(match: re.Match[str], _: Locale) -> Value:
    """Return a number and the letters after it, whatever they mean: 450xyz."""
    return Sequence((Number(match[1]), Words(letter_parts(match[2]))))


def _version(match: re.Match[str], _: Locale) -> Value:
    return Version(tuple(digits_in(match.group())), named=match.group()[0] in "vV")


def _address(match: re.Match[str], _: Locale) -> Value | None:
    """Return an IP address: four numbers up to 255."""
    parts = match.group().split(".")
    if any(int(part) > 255 for part in parts):
        return None
    digits: list[Value] = []
    for part in parts:
        digits += [Words("point"), Digits((part,))]
    return Sequence(tuple(digits[1:]))


ROWS = (
    Row(
        "link", rf"(?<![\w.@-]){LINK}", lambda match, _: Link(match[0]), CERTAIN, starts="A-Za-z0-9"
    ),
    Row("telephone", _PHONE, _phone, NAMED, starts="0-9+("),
    Row("telephone", _WORD_PHONE, _word_phone, CERTAIN),
    Row("telephone", _GROUPS, _at_least_three, NAMED, before=_CALL_US),
    Row("telephone", rf"(?:{_EMERGENCY}){END}", spelled, NAMED, before=_NEAR_CALL),
    Row("telephone", rf"\d{{4,6}}{END}", spelled, NAMED, before=_SHORT_CODE),
    Row(
        "extension",
        r"x\s?(\d{2,5})(?!\w)",
        lambda match, _: Sequence((Words("extension"), Digits((match[1],)))),
        NAMED,
        before=r"\d\s",
        starts="x",
    ),
    Row("code", _GROUPS, _at_least_three, NAMED, before=_BEFORE_CODES),
    Row("code", _GROUPS, _at_least_three, NAMED, before=_BEFORE_THING),
    Row("code", rf"\d{{3,40}}{END}(?!\s[a-z])", spelled, NAMED, before=_BEFORE_THING_IS),
    Row("code", rf"\d{{5,40}}{END}", spelled, NAMED, before=_BEFORE_THING_IS),
    Row("code", _MIXED, spelled, NAMED, before=_BEFORE_CODES, starts="A-Z0-9"),
    Row(
        "code",
        r"[A-Z0-9]{2} \d{1,4}(?!\w)",
        spelled,
        NAMED,
        before=r"(?i:flights?)\s",
        starts="A-Z0-9",
    ),
    Row("code", r"[A-Z][A-Z0-9] \d{3,4}(?!\w)", spelled, LIKELY, starts="A-Z"),
    Row("code", rf"{_GROUPS}", _at_least_three, NAMED, after=_AFTER),
    Row("code", rf"\d{{4,8}}{END}", spelled, NAMED, before=_USE, after=_FOR),
    Row(
        "code",
        rf"\d{{5}}(?:-\d{{4}})?{END}",
        spelled,
        NAMED,
        before=rf"{_PLACES}(?:to|in|for|of|near|code)\s{_LIST}{{0,4}}",
    ),
    Row("code", r"[A-Z]{1,2}\d[A-Z0-9]? \d[A-Z]{2}(?!\w)", spelled, NAMED, starts="A-Z"),
    Row(
        "code",
        rf"{FREE}(?:\d{{3,}}(?:-\d{{2,}}){{2,}}|\d{{4}}(?: \d{{4}}){{2,}})(?![\w]|-\w)",
        spelled,
    ),
    Row(
        "code",
        rf"(?:0\d{{1,40}}|\d{{7,40}}){END}(?![.,]\d)",
        lambda match, locale: None if match[0].endswith("000") else spelled(match, locale),
        LIKELY,
    ),
    Row(
        "masked",
        r"\d*[*•]{2,20}\d+|\d+[*•]{2,20}",
        lambda match, locale: spelled(match, locale),
        starts="0-9*",
    ),
    Row(
        "name",
        rf"(?:[A-Za-z]{{1,40}}|[A-Z]{{1,40}}-)\d[A-Za-z0-9]{{0,40}}(?:-[A-Za-z0-9]{{1,20}}){{0,4}}(?:\.\d{{1,6}}){{0,3}}{END}",
        _mixed,
        starts="A-Za-z",
    ),
    Row(
        "name",
        rf"\d{{1,40}}(?=[A-Z-]{{0,20}}[A-Z])[A-Z0-9]{{1,40}}(?:-[A-Z0-9]{{1,20}}){{0,4}}{END}",
        _mixed,
        LIKELY,
    ),
    Row("number", rf"{FREE}(?!0\d)(\d{{1,15}})([A-Za-z]{{1,40}}){END}", _counted, LIKELY + 1),
    Row("code", r"\d{3,12}(?=#)", spelled),
    Row(
        "version",
        rf"v\d{{1,6}}(?:\.\d{{1,6}}){{1,5}}{END}",
        lambda match, _: Version(tuple(digits_in(match[0]))),
        NAMED + 1,
        before=r"(?i:version)\s",
        starts="vV",
    ),
    Row(
        "version",
        rf"(?:[vV](?=\d+\.\d))\d{{1,6}}(?:\.\d{{1,6}}){{1,5}}{END}",
        _version,
        NAMED,
        starts="vV",
    ),
    Row("version", rf"{FREE}\d{{1,6}}(?:\.\d{{1,6}}){{2,5}}{END}", _version),
    Row("address", rf"{FREE}\d{{1,3}}(?:\.\d{{1,3}}){{3}}{END}(?!\.\d)", _address, NAMED),
)
