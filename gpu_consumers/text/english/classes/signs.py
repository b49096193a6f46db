"""Signs that are said, alone or between values."""

import re

from seedcast.gpu_consumers.text.classify import LIKELY, NAMED, PLAIN, Row
from seedcast.gpu_consumers.text.units import UNITS, any_of
from seedcast.gpu_consumers.text.values import Sign, Value, Words
from seedcast.schemas.locales import Locale

_PERIODS = {
    "day": "day", "night": "night", "week": "week", "wk": "week", "month": "month", "mo": "month",
    "mth": "month", "year": "year", "yr": "year", "hour": "hour", "hr": "hour", "h": "hour",
    "minute": "minute", "min": "minute", "second": "second", "sec": "second", "s": "second",
    "person": "person", "pp": "person", "unit": "unit", "item": "item", "dose": "dose",
    "use": "use", "call": "call", "text": "text", "mile": "mile", "page": "page", "seat": "seat",
    "room": "room", "share": "share", "ticket": "ticket", "student": "student", "child": "child",
}  # fmt: skip


def sign(match: re.Match[str], _: Locale) -> Value:
    return Sign(match[0].strip())


def _hash(match: re.Match[str], locale: Locale) -> Value:
    """Return the key of a telephone: to a British listener, a pound is money."""
    return Words("hash" if locale == "en-GB" else "pound")


def _minus(match: re.Match[str], _: Locale) -> Value:
    return Sign("-")


def _per(match: re.Match[str], _: Locale) -> Value:
    period = match[1]
    name = _PERIODS.get(period) or UNITS[period].singular
    return Words(f"per {name}")


_PER = any_of([*_PERIODS, "kg", "g", "L", "km", "m²", "m³", "GB", "MB", "lb", "oz", "kWh", "gal"])

# What may be the first of a range: after a space only what is clearly a value.
_VALUE = r"(?:\d[A-Za-z°%]{0,3}|[ap]\.m\.|\s[apAP][mM]|noon|midnight|°[CF]|[a-z]\d)"
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAY_OF_MONTH = (
    rf"(?:(?:{_MONTHS})[a-z]*\.?\s\d{{1,2}}|\d{{1,2}}\s(?:{_MONTHS})[a-z]*)(?:,? \d{{4}})?"
    rf"|\d\d(?:{_MONTHS.upper()})(?:\d{{4}})?"
)
_TIME_OR_MONEY = r"(?:\d:\d\d|[apAP]\.?[mM]\.?|[$€£]\d+(?:\.\d\d)?|°[CF]|\d%)"

# Keys of a telephone: Press * or #, Dial *#06#.
_KEYS = r"(?<![A-Za-z])(?i:press|dial|hit)\s[^.!?]{0,40}"
_KEYS_AT_ONCE = r"(?<![A-Za-z])(?i:press|dial|hit)\s[*#\d]{0,12}"

ROWS = (
    Row("per", rf"/\s?({_PER})(?![A-Za-z])", _per, NAMED, before=r"[A-Za-z0-9.²³¢]\s?", starts="/"),
    Row("per", r"/(?=100\s?km)", lambda match, _: Words("per"), NAMED, r"L\s?", starts="/"),
    Row(
        "per",
        r"/\s?([a-z]{2,15})(?![A-Za-z])",
        lambda match, _: Words(f"per {match[1]}"),
        before=r"[$£€¥]\d[\d.,]{0,12}[kKmM]?",
        starts="/",
    ),
    Row("sign", r"[-–]\s?(?=\d+(?:\.\d+)?\s?=)", _minus, NAMED, before=r"\d\s?", starts="–-"),
    Row(
        "range",
        r"[-–—~](?=\s?(?:noon|midnight)(?![a-z]))",
        lambda match, _: Sign("→"),
        before=r"(?:\d|[apAP]\.?[mM]\.?|noon)\s?",
        starts="–—~-",
    ),
    Row(
        "sign",
        r"-(?!\w)",
        _minus,
        NAMED,
        before=r"(?i:grades?|marks?|rated|rating)\b[^.!?]{0,30}(?<![A-Za-z])[A-F]",
        starts="-",
    ),
    Row(
        "sign",
        r"-(?!\w)",
        lambda match, _: Words("negative"),
        NAMED,
        before=r"(?i:blood|type|donors?)\s(?:[\w+-]+\s){0,3}(?:AB?|B|O|Rh)",
        starts="-",
    ),
    Row(
        "sign",
        r"-(?!\w)",
        lambda match, _: Words("negative"),
        NAMED,
        before=r"(?<![A-Za-z])(?:AB?|B|O|Rh)",
        after=r"[^.!?]{0,24}\b(?:blood|donors?)",
        starts="-",
    ),
    Row(
        "range", r"[-–—~](?=\s?[$€£¥]?\d)", lambda match, _: Sign("→"), before=_VALUE, starts="–—~-"
    ),
    Row(
        "range",
        r"[-–—~](?=\s?[$€£¥]?\d)",
        lambda match, _: Sign("→"),
        before=_TIME_OR_MONEY + r"\s",
        starts="–—~-",
    ),
    Row(
        "sign", r"[*×x](?=\s?\d)", lambda match, _: Sign("×"), NAMED, before=r"\d\s?", starts="*×x"
    ),
    Row(
        "sign",
        r"\*{2,}|#{2,}|={3,}|\+{3,}|[$¥€£%&@°]{3,}",
        lambda match, _: Words(","),
        NAMED,
        starts="*#=+$¥€£%&@°",
    ),
    Row("sign", r"#(?=[A-Za-z]{0,3}-?\d)", lambda match, _: Words("number"), PLAIN, starts="#"),
    Row("sign", r"#", _hash, PLAIN, before=r"\d", starts="#"),
    Row("sign", r"\*", lambda match, _: Sign("*"), NAMED, before=_KEYS, starts="*"),
    Row("sign", r"#(?!\w)", _hash, NAMED, before=_KEYS, starts="#"),
    Row("sign", r"#", _hash, NAMED, before=_KEYS_AT_ONCE, starts="#"),
    Row(
        "range",
        rf"[-–—~](?=\s?(?:\d{{1,2}}\s)?(?:{_MONTHS})|\s?\d\d(?:{_MONTHS.upper()}))",
        lambda match, _: Sign("→"),
        before=rf"(?:{_DAY_OF_MONTH})\s?",
        starts="–—~-",
    ),
    Row("sign", r"~(?=\s?[$€£¥]?\d)", lambda match, _: Sign("≈"), LIKELY, starts="~"),
    Row("sign", r"#(?=[A-Za-z])", lambda match, _: Words("hashtag"), LIKELY + 1, starts="#"),
    Row("sign", r"[Cc]#", lambda match, _: Words("C sharp"), NAMED, starts="Cc"),
    Row("sign", r"<=", lambda match, _: Sign("≤"), starts="<"),
    Row("sign", r">=", lambda match, _: Sign("≥"), starts=">"),
    Row("sign", r"->|=>|→", lambda match, _: Sign("→"), starts="=→-"),
    Row("sign", r"[<>](?=\s?[$\d])", sign, starts="<>"),
    Row(
        "sign",
        r"[+=×÷±≈≤≥&@%‰#°$¥€£²³¢₩₹฿₫₱₽₺₪Ω]",
        sign,
        LIKELY,
        starts="+=×÷±≈≤≥&@%‰#°$¥€£²³¢₩₹฿₫₱₽₺₪Ω",
    ),
)
