"""Written English to spoken English: the rules, tried in their order at each position.

`numbers` turns numbers into words. A whole sentence never goes to wetext 0.1.8, because it fails or
garbles:

- Two spaces, or "+5", raise AssertionError.
- "1990s" is "one thousand nine hundred and ninety seconds".
- "10%-20%" loses its "to".
- "555-2671" is two counts.
- "03/05/2024" is the fifth of March.

A date in figures is read the American way (month first), unless the first number is over 12. ¥ is
yuan. 3/5 is a fraction, except after a word such as "on" or "by"; 12/31 is a date.
"""

import re

from seedcast.gpu_consumers.text.english import legacy_units as units
from seedcast.gpu_consumers.text.english.legacy_dates import (
    DAY,
    HALF,
    MONTH,
    TIME,
    say_american_date,
    say_clock_time,
    say_decade,
    say_iso_date,
    say_named_date,
    say_slash,
)
from seedcast.gpu_consumers.text.normalizer import wetext_english
from seedcast.gpu_consumers.text.numbers import (
    digit_groups,
    en_count,
    en_counted,
    en_digits,
    en_number,
    en_ordinal,
    en_year,
)
from seedcast.gpu_consumers.text.rules import (
    CODE,
    CURRENCY,
    END,
    LINK,
    MASKED,
    NUMBER,
    RANGE,
    START,
    Rule,
    Rules,
    digits_in,
    numbers_in,
    say,
    say_code,
    say_link,
    text_before,
)

_MONEY = {  # major unit, its plural, minor unit, its plural
    "$": ("dollar", "dollars", "cent", "cents"),
    "USD": ("US dollar", "US dollars", "cent", "cents"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "¥": ("yuan", "yuan", "", ""),
    "CNY": ("yuan", "yuan", "", ""),
    "RMB": ("yuan", "yuan", "", ""),
    "JPY": ("yen", "yen", "", ""),
}
_CURRENCY_CODE = "USD|HKD|EUR|GBP|CNY|RMB|JPY"
_SCALES = {
    "million": "million",
    "billion": "billion",
    "thousand": "thousand",
    "M": "million",
    "B": "billion",
    "K": "thousand",
    "k": "thousand",
}
_SCALE = r"(?:\s?(?:million|billion|thousand|[MBKk])(?![A-Za-z]))?"
_LINK_SIGNS = {
    ".": "dot", "/": "slash", "@": "at", "-": "dash", "_": "underscore", "?": "question mark",
    "=": "equals", "&": "and", ":": "colon", "%": "percent", "#": "hash", "+": "plus",
}  # fmt: skip
_SIGNS = {
    "&": "and", "@": "at", "%": "percent", "+": "plus", "=": "equals", "#": "hash",
    "°": "degrees", "×": "times", "÷": "divided by", "±": "plus or minus", "≈": "about",
    "$": "dollars", "¥": "yuan", "€": "euros", "£": "pounds", "‰": "per mille",
    "²": "squared", "³": "cubed",
}  # fmt: skip
_CODE_BEFORE = re.compile(  # words after which digits are a code
    r"(?:^|[^a-z])(?:code|pin|otp|orders?|number|no\.?|ending|tracking|flight|account|card|id"
    r"|invoice|ref(?:erence)?|ticket|case|room|gate|booking|parcel|package|ext(?:ension)?|bus)"
    r"[:#\s,]*(?:(?:is|number|no\.?|id|code|ending|in)[:#\s,]+)*$",
    re.IGNORECASE,
)


def _spell(digits: str) -> str:
    return ", ".join(map(en_digits, digit_groups(digits)))


def _spell_runs(match: re.Match[str]) -> str:
    return ", ".join(map(en_digits, digits_in(match.group())))


def _say_phone(match: re.Match[str]) -> str:
    return ("plus " if match.group()[0] == "+" else "") + _spell_runs(match)


def _say_money(match: re.Match[str]) -> str:
    text = match.group()
    singular, plural, cent, cents = _MONEY[next(sign for sign in _MONEY if sign in text)]
    number = numbers_in(text)[0].replace(",", "")
    scale = re.search(r"\d\s?(million|billion|thousand|[MBKk])(?![A-Za-z])", text)
    whole, _, fraction = number.partition(".")
    if scale:
        return f"{en_number(number)} {_SCALES[scale[1]]} {plural}"
    if not int(fraction or 0):
        return en_counted(str(int(whole)), singular, plural)
    if len(fraction) > 2 or not cent:
        return f"{en_number(number.rstrip('0'))} {plural}"
    minor = en_counted(str(int(fraction.ljust(2, "0"))), cent, cents)
    if not int(whole):
        return minor
    return f"{en_counted(str(int(whole)), singular, plural)} and {minor}"


def _say_measure(match: re.Match[str]) -> str:
    number = numbers_in(match.group())[0]
    unit = match.group()[len(number) :].strip(" .").replace("^2", "²")
    return en_counted(number, *units.EN[unit])


def _say_ordinal(match: re.Match[str]) -> str:
    return en_ordinal(int(match.group()[:-2]))


def _say_version(match: re.Match[str]) -> str:
    version = "version " if match.group()[0] in "vV" else ""
    return version + " point ".join(map(en_count, digits_in(match.group())))


def _say_code(match: re.Match[str]) -> str:
    return say_code(match.group(), en_count, _spell)


def _say_mixed_number(match: re.Match[str]) -> str:
    """Say "1 1/2" as "one and a half"."""
    whole, numerator, denominator = digits_in(match.group())
    fraction = wetext_english(f"{int(numerator)}/{int(denominator)}")
    return f"{en_count(whole)} and {fraction.replace('one half', 'a half')}"


def _say_ratio(match: re.Match[str]) -> str:
    return " to ".join(map(en_count, digits_in(match.group())))


def _say_integer(match: re.Match[str]) -> str:
    """Say a count or a year; spell what looks like a code.

    A code has a leading zero, seven digits or more, or a word such as "card" before it.
    """
    digits = match.group()
    is_code = (
        (digits[0] == "0" and len(digits) > 1)
        or (len(digits) >= 7 and not digits.endswith("000"))
        or (len(digits) >= 3 and _CODE_BEFORE.search(text_before(match, 40)))
    )
    if is_code:
        return _spell(digits)
    is_year = len(digits) == 4 and digits[:2] in ("19", "20")
    return en_year(digits) if is_year else en_count(digits)


_INTERNATIONAL_PHONE = r"(?<![\w.+-])\+\d[\d ()-]{6,18}\d(?!\d)"
_PHONE_WITH_BRACKETS = r"(?<!\d)\(\d{3}\)\s?\d{3}[ -]\d{4}(?!\d)"
_MONTH_AND_DAY = (
    rf"(?<![A-Za-z]){MONTH}\s?\d{{1,2}}(?!\d|:\d)(?:st|nd|rd|th)?(?![A-Za-z])"
    r"(?:,?\s(?:19|20)\d\d(?!\d|:\d))?"
)
_CLOCK_TIME = (
    rf"{START}{TIME}:[0-5]\d(?::[0-5]\d)?(?!\d)(?:{HALF})?|{START}(?:0?[1-9]|1[0-2]){HALF}"
)
_MONEY_PATTERN = (
    rf"(?:{CURRENCY}|(?<![A-Za-z])(?:{_CURRENCY_CODE}))\s?{NUMBER}{_SCALE}(?!\d)"
    rf"|{START}{NUMBER}\s?(?:{_CURRENCY_CODE}|{CURRENCY})(?![A-Za-z\d])"
)
_MINUS = rf"(?<![\w)])-\s?(?={CURRENCY}?\d)|(?<=\d)\s?-\s?(?=\d+\s?=)"
_COMMAS_OR_POINT = r"(?<![\d])(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![,.]?\d)|\d+\.\d+)"

RULES: tuple[Rule, ...] = (
    (LINK, lambda match: say_link(match.group(), _LINK_SIGNS, en_digits)),
    (f"{_INTERNATIONAL_PHONE}|{_PHONE_WITH_BRACKETS}", _say_phone),
    (rf"{START}(?:1[ -])?\d{{3}}[ .-]\d{{3}}[ .-]\d{{4}}(?![\d-])", _say_phone),
    (rf"{START}(?<!-)\d{{3}}-\d{{4}}(?![\w-])", _say_phone),
    (rf"{START}(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.]{DAY}(?!\d)", say_iso_date),
    (rf"{START}\d{{1,2}}/\d{{1,2}}/(?:19|20)\d\d(?!\d)", say_american_date),
    (_MONTH_AND_DAY, say_named_date),
    (rf"{START}\d{{1,2}}\s(?:of )?{MONTH}(?:,?\s(?:19|20)\d\d(?!\d))?", say_named_date),
    (_CLOCK_TIME, say_clock_time),
    (_MONEY_PATTERN, _say_money),
    (rf"{START}{NUMBER}\s?{units.UNIT}(?:\.(?=\s+[a-z]))?", _say_measure),
    (rf"{START}(?:19|20)\d0'?s{END}", say_decade),
    (rf"{START}[1-9]\d{{0,2}}(?:st|nd|rd|th){END}", _say_ordinal),
    (rf"{START}[vV]?\d+(?:\.\d+){{2,}}(?!\d)", _say_version),
    (r"(?:(?i:version)\s?)?(?<![A-Za-z])[vV](?=\d+\.\d)", say("version")),
    (MASKED, _spell_runs),
    (RANGE, say("to")),
    (_MINUS, say("minus")),
    (CODE, _say_code),
    (rf"{START}\d+\s\d{{1,2}}/\d{{1,2}}(?![\d/])", _say_mixed_number),
    (rf"{START}\d{{1,4}}/\d{{1,4}}(?![\d/])", say_slash),
    (rf"{START}\d+:\d+(?![\d:])", _say_ratio),
    (_COMMAS_OR_POINT, lambda match: en_number(match.group())),
    (r"\d+", _say_integer),
    (r"#\s?(?=[A-Za-z]?\d)", say("number")),
    (r"[Cc]#", say("C sharp")),
    (r"(?<=\d)\s?[*×x]\s?(?=\d)", say("times")),
    (r"\*{1,}|#{2,}|={3,}|\+{3,}|[$¥€£%&@°]{3,}", say(", ")),
    (r"<=|≤", say("less than or equal to")),
    (r">=|≥", say("greater than or equal to")),
    (r"<(?=\s?\d)", say("less than")),
    (r"(?<![-=])>(?=\s?\d)", say("greater than")),
    (r"->|=>|→", say("to")),
    *((re.escape(sign), say(words)) for sign, words in _SIGNS.items()),
)
verbalise = Rules(RULES)
