"""Written English to spoken English: one table, tried in order at each place. Numbers go to `numbers`, which says what wetext does with them.

A whole sentence never goes to wetext 0.1.8, for it fails or garbles: two spaces or "+5" raise AssertionError, "1990s" is "one thousand nine
hundred and ninety seconds", "10%-20%" loses its "to", "555-2671" is two counts, "03/05/2024" is the fifth of March.
Day and month in figures are read the American way (month first) unless the first is over 12. ¥ is yuan. 3/5 is a fraction except after
a word such as "on" or "by"; 12/31 is a date.
"""

import re

from gpu_consumers.text import units
from gpu_consumers.text.english_dates import (
    DAY,
    HALF,
    MONTH,
    TIME,
    american_date,
    before,
    clock,
    counted,
    decade,
    iso_date,
    named_date,
    slash,
)
from gpu_consumers.text.normalizer import read_english
from gpu_consumers.text.numbers import en_count, en_digits, en_number, en_ordinal, en_year, groups
from gpu_consumers.text.rules import (
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
    code,
    digits_in,
    link,
    numbers_in,
    say,
)

_MONEY = {  # major singular, plural, minor singular, plural
    "$": ("dollar", "dollars", "cent", "cents"), "USD": ("US dollar", "US dollars", "cent", "cents"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"), "EUR": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"), "GBP": ("pound", "pounds", "penny", "pence"),
    "¥": ("yuan", "yuan", "", ""), "CNY": ("yuan", "yuan", "", ""), "RMB": ("yuan", "yuan", "", ""), "JPY": ("yen", "yen", "", ""),
}  # fmt: skip
_NAMES = "USD|HKD|EUR|GBP|CNY|RMB|JPY"
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
_CODE_BEFORE = re.compile(
    r"(?:^|[^a-z])(?:code|pin|otp|orders?|number|no\.?|ending|tracking|flight|account|card|id|invoice|ref(?:erence)?|ticket|case|room|gate|booking|parcel|package|ext(?:ension)?|bus)"
    r"[:#\s,]*(?:(?:is|number|no\.?|id|code|ending|in)[:#\s,]+)*$",
    re.IGNORECASE,
)


def _spelled(digits: str) -> str:
    return ", ".join(map(en_digits, groups(digits)))


def _phone(match: re.Match[str]) -> str:
    return ("plus " if match.group()[0] == "+" else "") + ", ".join(
        map(en_digits, digits_in(match.group()))
    )


def _money(match: re.Match[str]) -> str:
    text = match.group()
    singular, plural, cent, cents = _MONEY[next(sign for sign in _MONEY if sign in text)]
    number = numbers_in(text)[0].replace(",", "")
    scale = re.search(r"\d\s?(million|billion|thousand|[MBKk])(?![A-Za-z])", text)
    whole, _, fraction = number.partition(".")
    if scale:
        return f"{en_number(number)} {_SCALES[scale[1]]} {plural}"
    if not int(fraction or 0):
        return counted(str(int(whole)), singular, plural)
    if len(fraction) > 2 or not cent:
        return f"{en_number(number.rstrip('0'))} {plural}"
    minor = counted(str(int(fraction.ljust(2, "0"))), cent, cents)
    return minor if not int(whole) else f"{counted(str(int(whole)), singular, plural)} and {minor}"


def _measure(match: re.Match[str]) -> str:
    number = numbers_in(match.group())[0]
    unit = match.group()[len(number) :].strip(" .").replace("^2", "²")
    return counted(number, *units.EN[unit])


def _mixed(match: re.Match[str]) -> str:
    whole, numerator, denominator = digits_in(match.group())
    return f"{en_count(whole)} and {read_english(f'{int(numerator)}/{int(denominator)}').replace('one half', 'a half')}"


def _version(match: re.Match[str]) -> str:
    return ("version " if match.group()[0] in "vV" else "") + " point ".join(
        map(en_count, digits_in(match.group()))
    )


def _integer(match: re.Match[str]) -> str:
    digits = match.group()
    is_code = len(digits) >= 3 and _CODE_BEFORE.search(before(match))
    if (
        is_code
        or (digits[0] == "0" and len(digits) > 1)
        or (len(digits) >= 7 and not digits.endswith("000"))
    ):
        return _spelled(digits)
    return en_year(digits) if len(digits) == 4 and digits[:2] in ("19", "20") else en_count(digits)


RULES: tuple[Rule, ...] = (
    (LINK, lambda match: link(match.group(), _LINK_SIGNS, en_digits)),
    (r"(?<![\w.+-])\+\d[\d ()-]{6,18}\d(?!\d)|(?<!\d)\(\d{3}\)\s?\d{3}[ -]\d{4}(?!\d)", _phone),
    (rf"{START}(?:1[ -])?\d{{3}}[ .-]\d{{3}}[ .-]\d{{4}}(?![\d-])", _phone),
    (rf"{START}(?<!-)\d{{3}}-\d{{4}}(?![\w-])", _phone),
    (rf"{START}(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.]{DAY}(?!\d)", iso_date),
    (rf"{START}\d{{1,2}}/\d{{1,2}}/(?:19|20)\d\d(?!\d)", american_date),
    (rf"(?<![A-Za-z]){MONTH}\s?\d{{1,2}}(?!\d|:\d)(?:st|nd|rd|th)?(?![A-Za-z])(?:,?\s(?:19|20)\d\d(?!\d|:\d))?", named_date),
    (rf"{START}\d{{1,2}}\s(?:of )?{MONTH}(?:,?\s(?:19|20)\d\d(?!\d))?", named_date),
    (rf"{START}{TIME}:[0-5]\d(?::[0-5]\d)?(?!\d)(?:{HALF})?|{START}(?:0?[1-9]|1[0-2]){HALF}", clock),
    (rf"(?:{CURRENCY}|(?<![A-Za-z])(?:{_NAMES}))\s?{NUMBER}{_SCALE}(?!\d)|{START}{NUMBER}\s?(?:{_NAMES}|{CURRENCY})(?![A-Za-z\d])", _money),
    (rf"{START}{NUMBER}\s?{units.UNIT}(?:\.(?=\s+[a-z]))?", _measure),
    (rf"{START}(?:19|20)\d0'?s{END}", decade),
    (rf"{START}[1-9]\d{{0,2}}(?:st|nd|rd|th){END}", lambda match: en_ordinal(int(match.group()[:-2]))),
    (rf"{START}[vV]?\d+(?:\.\d+){{2,}}(?!\d)", _version),
    (r"(?:(?i:version)\s?)?(?<![A-Za-z])[vV](?=\d+\.\d)", say("version")),
    (MASKED, lambda match: ", ".join(map(en_digits, digits_in(match.group())))),
    (RANGE, say("to")),
    (rf"(?<![\w)])-\s?(?={CURRENCY}?\d)|(?<=\d)\s?-\s?(?=\d+\s?=)", say("minus")),
    (CODE, lambda match: code(match.group(), en_count, _spelled)),
    (rf"{START}\d+\s\d{{1,2}}/\d{{1,2}}(?![\d/])", _mixed),
    (rf"{START}\d{{1,4}}/\d{{1,4}}(?![\d/])", slash),
    (rf"{START}\d+:\d+(?![\d:])", lambda match: " to ".join(map(en_count, digits_in(match.group())))),
    (r"(?<![\d])(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![,.]?\d)|\d+\.\d+)", lambda match: en_number(match.group())),
    (r"\d+", _integer),
    (r"#\s?(?=[A-Za-z]?\d)", say("number")),
    (r"[Cc]#", say("C sharp")),
    (r"(?<=\d)\s?[*×x]\s?(?=\d)", say("times")),
    (r"\*{1,}|#{2,}|={3,}|\+{3,}|[$¥€£%&@°]{3,}", say(", ")),
    (r"<=|≤", say("less than or equal to")),
    (r">=|≥", say("greater than or equal to")),
    (r"<(?=\s?\d)", say("less than")),
    (r"(?<![-=])>(?=\s?\d)", say("greater than")),
    (r"->|=>|→", say("to")),
    *((re.escape(sign), say(words)) for sign, words in {
        "&": "and", "@": "at", "%": "percent", "+": "plus", "=": "equals", "#": "hash", "°": "degrees", "×": "times", "÷": "divided by",
        "±": "plus or minus", "≈": "about",
        "$": "dollars", "¥": "yuan", "€": "euros", "£": "pounds", "‰": "per mille", "²": "squared", "³": "cubed",
    }.items()),
)  # fmt: skip
read = Rules(RULES)
