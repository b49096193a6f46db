"""Numbers, amounts of money, measures, ranges, fractions and scores."""

import re
from collections.abc import Callable

from seedcast.gpu_consumers.text.classify import GUESS, LIKELY, NAMED, Row
from seedcast.gpu_consumers.text.currencies import CODE_OF
from seedcast.gpu_consumers.text.english.quantities import unit_name
from seedcast.gpu_consumers.text.patterns import (
    CURRENCY,
    CURRENCY_WORD,
    DASH,
    END,
    FREE,
    MINUS,
    NUMBER,
    number_of,
)
from seedcast.gpu_consumers.text.units import UNIT, key_of
from seedcast.gpu_consumers.text.values import (
    Digits,
    Fraction,
    Measure,
    Money,
    Number,
    Ordinal,
    Over,
    Range,
    Ratio,
    Sequence,
    Value,
    Words,
)
from seedcast.schemas.locales import Locale

_SCALES = {
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
    "k": "thousand",
    "K": "thousand",
    "M": "million",
    "m": "million",
    "mn": "million",
    "bn": "billion",
    "B": "billion",
    "b": "billion",
    "tn": "trillion",
    "T": "trillion",
}
_SCALE = r"(?:\s?(?:thousand|million|billion|trillion)|[kKMmBbT]|mn|bn|tn)(?![A-Za-z0-9])"
_WORD_SCALE = r"\s(?:thousand|million|billion|trillion)(?![A-Za-z])"
_CURRENCY = rf"(?:{CURRENCY}|(?<![A-Za-z]){CURRENCY_WORD}(?![A-Za-z]))"
_UNIT_DOT = r"(?:\.(?=\s+[a-z]|,))?"
# What is no unit after a space: 2 A, 5 in the box, 2020 W. Elm St.
_FAR_UNIT = r"(?!W\.?\s[A-Z])(?!(?:A|J|U|B|d|t|s|in)(?![A-Za-z/]))"
_SIDE = r"\d{1,4}(?:\.\d{1,2})?(?!\d)"
_LENGTHS = ("km", "m", "cm", "mm", "um", "nm", "ft", "in", "yd", "mi")
_LINES = ("480", "720", "1080", "1440", "2160")  # of a picture: 1080p
_PARTS = (*range(2, 21), 32, 64, 100)  # denominators of fractions that stand alone
_AFTER_FRACTION = (
    r"(?:\s(?:of|cups?|miles?|inch|inches|teaspoons?|tablespoons?|hours?|pounds?|price|full|the|a|an"
    r"|days?|doses?|pills?|tablets?|acres?)(?![a-z])|\")"
)


def _number(match: re.Match[str], _: Locale) -> Value:
    """Return a number; with a zero before its digits, these are said one by one."""
    written = match.group()
    return Digits((written,)) if re.match(r"0\d", written) else number_of(written)


def _money(match: re.Match[str], _: Locale) -> Value:
    sign = match["sign"] or ""
    scale = _SCALES[match["scale"].strip()] if match["scale"] else ""
    return Money(number_of(sign + match["number"], scale), CODE_OF[match["currency"]])


def _cents(match: re.Match[str], _: Locale) -> Value:
    """Return cents and pence as parts of their whole."""
    number = number_of(match[1])
    currency = "GBP" if match[2] == "p" else "$"
    if number.fraction or len(number.whole) > 2:
        return Sequence((number, Words("pence" if currency == "GBP" else "cents")))
    return Money(Number("0", number.whole.zfill(2)), currency)


def _pence(match: re.Match[str], locale: Locale) -> Value | None:
    is_money = locale == "en-GB" or "£" in match.string
    return _cents(match, locale) if is_money and match[1] not in _LINES else None


def _money_range(match: re.Match[str], _: Locale) -> Value:
    currency = CODE_OF[match["currency"]]
    scale = _SCALES[match["scale"].strip()] if match["scale"] else ""
    return Range(number_of(match["first"]), Money(number_of(match["last"], scale), currency))


def _measure(match: re.Match[str], _: Locale) -> Value:
    return Measure(number_of(match["number"]), key_of(match["unit"]))


def _compound(match: re.Match[str], _: Locale) -> Value:
    """Return a measure before a noun: a 30-day trial."""
    unit = Words(unit_name(key_of(match["unit"]), is_one=True))
    return Sequence((number_of(match["number"]), unit))


def _measure_range(match: re.Match[str], _: Locale) -> Value:
    last = Measure(number_of(match["last"]), key_of(match["unit"]))
    return Range(number_of(match["first"]), last)


def _percent_range(match: re.Match[str], _: Locale) -> Value:
    return Range(number_of(match["first"]), Measure(number_of(match["last"]), "%"))


def _range(match: re.Match[str], _: Locale) -> Value:
    return Range(number_of(match["first"]), number_of(match["last"]))


def _fraction(match: re.Match[str], _: Locale) -> Value | None:
    top, bottom = match["top"], match["bottom"]
    if top[0] == "0" or bottom[0] == "0":
        return None
    return Fraction(top, bottom, match["whole"] or "")


def _small_fraction(match: re.Match[str], locale: Locale) -> Value | None:
    top, bottom = int(match["top"]), int(match["bottom"])
    return _fraction(match, locale) if 0 < top < bottom and bottom in _PARTS else None


def _over(match: re.Match[str], _: Locale) -> Value:
    return Over(match[1], match[2])


_QUOTATION_MARK = re.compile(r'(?<!\d)"')  # after a digit, the sign is that of inches


def _inches(match: re.Match[str], _: Locale) -> Value | None:
    """Return inches, unless the sign ends a quotation."""
    quotations = _QUOTATION_MARK.findall(match.string[: match.start()])
    return None if len(quotations) % 2 else Measure(number_of(match[1]), "in")


def _inches_range(match: re.Match[str], _: Locale) -> Value | None:
    quotations = _QUOTATION_MARK.findall(match.string[: match.start()])
    if len(quotations) % 2:
        return None
    return Range(number_of(match["first"]), Measure(number_of(match["last"]), "in"))


def _part_of_an_inch(match: re.Match[str], _: Locale) -> Value | None:
    if "0" in (match[1], match[2]):
        return None
    return Sequence((Fraction(match[1], match[2]), Words("inch")))


def _feet(match: re.Match[str], _: Locale) -> Value:
    feet = Measure(Number(match[1]), "ft")
    if match[3]:
        return Sequence((feet, Number(match[3])))
    return Sequence((feet, Measure(Number(match[2]), "in"))) if match[2] else feet


def _letter_scale(match: re.Match[str], _: Locale) -> Value:
    """Return millions and thousands, but 4K and 5K are names."""
    number, scale = match["number"], match["scale"].strip()
    if scale == "K" and number in ("2", "4", "5", "8", "10"):
        return Sequence((number_of(number), Words("K")))
    return number_of((match["sign"] or "") + number, _SCALES[scale])


def _out_of(match: re.Match[str], _: Locale) -> Value:
    return Sequence((number_of(match[1]), Words("out of"), number_of(match[2])))


def _fahrenheit(match: re.Match[str], _: Locale) -> Value:
    return Measure(number_of(match[1]), f"°{match[2]}")


def _sides(match: re.Match[str], _: Locale) -> Value:
    """Return the sides of a thing: 3 x 4 cm. Of what has no sides, how many: 2 x 250 mg."""
    *sides, last = re.findall(NUMBER, match["sides"])
    unit = match["unit"]
    link = "by" if not unit or key_of(unit) in _LENGTHS else "times"
    parts: list[Value] = []
    for side in sides:
        parts += [number_of(side), Words(link)]
    number = number_of(last)
    return Sequence((*parts, Measure(number, key_of(unit)) if unit else number))


def _times(match: re.Match[str], _: Locale) -> Value:
    return Sequence((number_of(match[1]), Words("times")))


def _integers(count: int) -> Callable[[re.Match[str], Locale], Value]:
    return lambda match, _: Sequence(tuple(Number(match[place]) for place in range(1, count + 1)))


ROWS = (
    Row(
        "money",
        rf"(?P<sign>{MINUS})(?P<currency>{_CURRENCY})\s?(?P<number>{NUMBER})(?P<scale>{_SCALE})?",
        _money,
        NAMED,
        starts="$¥€£¢₩₹฿₫₱₽₺₪A-Z-",
    ),
    Row(
        "money",
        rf"(?P<currency>{CURRENCY})(?P<sign>-)(?P<number>{NUMBER})(?P<scale>{_SCALE})?",
        _money,
        NAMED,
        starts="$¥€£₩₹฿₫₱₽₺₪A-Z",
    ),
    Row(
        "money",
        rf"(?P<sign>{MINUS}){FREE}(?P<number>{NUMBER})(?P<scale>{_SCALE})?\s?(?P<currency>{_CURRENCY})",
        _money,
        NAMED,
        starts="0-9.-",
    ),
    Row(
        "money",
        rf"(?P<currency>{_CURRENCY})\s?(?P<first>{NUMBER}){DASH}(?P=currency)?(?P<last>{NUMBER})(?P<scale>{_SCALE})?",
        _money_range,
        NAMED + 1,
        starts="$¥€£₩₹฿₫₱₽₺₪A-Z",
    ),
    Row("money", rf"{FREE}({NUMBER})\s?(¢|c(?=\s(?:each|off)))", _cents, NAMED),
    Row("money", rf"{FREE}({NUMBER})(p){END}", _pence, NAMED),
    Row(
        "measure",
        rf"(?P<number>{MINUS}{FREE}{NUMBER})(?P<unit>{UNIT}){_UNIT_DOT}",
        _measure,
        starts="0-9.-",
    ),
    Row("measure", rf"(?P<number>{FREE}{NUMBER})-(?P<unit>{UNIT})", _compound),
    Row(
        "measure",
        rf"(?P<number>{MINUS}{FREE}{NUMBER})\s(?P<unit>{_FAR_UNIT}{UNIT}){_UNIT_DOT}",
        _measure,
        starts="0-9.-",
    ),
    Row(
        "measure",
        rf"(?P<number>{FREE}{NUMBER})\s?(?P<unit>in){END}",
        _measure,
        NAMED,
        before=r"(?:\bft|\bfeet|\bfoot|')\s?",
    ),
    Row(
        "measure",
        rf"(?P<first>{MINUS}{FREE}{NUMBER}){DASH}(?P<last>{NUMBER})\s?(?P<unit>{_FAR_UNIT}{UNIT}){_UNIT_DOT}",
        _measure_range,
        NAMED,
        starts="0-9.-",
    ),
    Row(
        "measure", rf"(?P<first>{FREE}{NUMBER}){DASH}(?P<last>{NUMBER})\s?%", _percent_range, NAMED
    ),
    Row("measure", rf"{FREE}(\d{{1,3}}(?:\.\d{{1,3}})?)\"", _inches),
    Row(
        "measure",
        rf"{FREE}(?P<first>\d{{1,3}}(?:\.\d{{1,2}})?){DASH}(?P<last>\d{{1,3}}(?:\.\d{{1,2}})?)\"",
        _inches_range,
        NAMED,
    ),
    Row(
        "measure",
        rf"{FREE}(\d{{1,3}}\.\d{{1,2}})'(?![\w'])",
        lambda match, _: Measure(number_of(match[1]), "ft"),
    ),
    Row("number", rf"{FREE}(24)x(7){END}", _integers(2), NAMED),
    Row("measure", rf"{FREE}(\d{{1,2}})'(?:\s?(\d{{1,2}})(?:\"|'')|(\d{{1,2}}))?(?![\w'])", _feet),
    Row("pressure", rf"{FREE}(\d{{2,3}})/(\d{{2,3}}){END}(?!/)", _over, NAMED, after=r"\s?mm\s?Hg"),
    Row(
        "pressure",
        r"mm\s?Hg",
        lambda match, _: Words(unit_name("mmHg")),
        before=r"\d\s?",
        starts="m",
    ),
    Row(
        "pressure",
        rf"{FREE}(\d{{2,3}})/(\d{{2,3}}){END}(?!/)",
        _over,
        NAMED,
        before=r"(?i:pressure|bp|reading)\s(?:\w+\s){0,4}?",
    ),
    Row(
        "fraction",
        rf"{FREE}(?P<whole>\d{{1,4}}\s|)(?P<top>\d{{1,2}})/(?P<bottom>\d{{1,3}}){END}(?![/%])",
        _small_fraction,
        LIKELY,
    ),
    Row(
        "fraction",
        rf"{FREE}(?P<whole>\d{{1,4}}\s|)(?P<top>\d{{1,2}})/(?P<bottom>\d{{1,3}}){END}(?![/%])",
        _fraction,
        NAMED + 5,
        after=_AFTER_FRACTION,
    ),
    Row(
        "fraction",
        rf"{FREE}(?P<whole>\d{{1,4}}\s)(?P<top>\d{{1,2}})/(?P<bottom>\d{{1,3}}){END}(?![/%])",
        _small_fraction,
        NAMED,
    ),
    Row("number", rf"{FREE}(\d{{1,6}})/(\d{{1,6}}){END}(?!/\d)", _over, LIKELY - 1),
    Row(
        "measure",
        rf"{FREE}(?P<sides>{_SIDE}(?:\s?[x×*]\s?{_SIDE}){{1,2}})\s?(?P<unit>{UNIT})",
        _sides,
        NAMED,
    ),
    Row("measure", rf"{FREE}(?P<sides>{_SIDE}[x×]{_SIDE})(?P<unit>){END}(?!\s?=)", _sides, LIKELY),
    Row("measure", rf"{FREE}(\d{{1,2}})/(\d{{1,2}})(?:\"|\sin\.)", _part_of_an_inch, NAMED + 6),
    Row("number", rf"{FREE}(\d\.\d)/(5|10){END}", _out_of, NAMED),
    Row("number", rf"{FREE}(\d{{1,4}})/(\d{{1,4}})/(\d{{1,4}})(?![\w/])", _integers(3), LIKELY),
    Row("number", rf"{FREE}([1-9]\d{{0,2}}(?: 000){{1,4}})(?!\d| \d)", _number),
    Row(
        "measure",
        rf"({MINUS}{FREE}\d{{1,3}})([FC]){END}",
        _fahrenheit,
        NAMED,
        before=r"(?i:highs?|lows?|temp\w*|chill|feels like)\s(?:\w+\s){0,3}?",
        starts="0-9-",
    ),
    Row(
        "ratio",
        rf"{FREE}(\d{{1,4}}):(\d{{1,4}})(?![\d:])",
        lambda match, _: Ratio(match[1], match[2]),
        LIKELY,
    ),
    Row(
        "range",
        rf"(?P<first>{MINUS}{FREE}{NUMBER}){DASH}(?P<last>{NUMBER})(?![\w-]|\s?=)",
        _range,
        LIKELY,
        starts="0-9.-",
    ),
    Row("number", rf"{FREE}(\d{{1,2}})-(\d{{1,2}})-(\d{{1,2}})(?![\w-])", _integers(3), LIKELY),
    Row(
        "ordinal",
        rf"{FREE}(\d{{1,3}}(?:,\d{{3}}){{0,3}}|\d{{1,6}})(?:st|nd|rd|th){END}",
        lambda match, _: Ordinal(match[1].replace(",", "")),
        NAMED,
    ),
    Row("number", rf"{FREE}({NUMBER})[xX]{END}(?=\W|\Z)", _times),
    Row(
        "number",
        rf"(?P<sign>{MINUS}){FREE}(?P<number>{NUMBER})(?P<scale>{_WORD_SCALE}|[MK](?![A-Za-z0-9])|bn{END})",
        _letter_scale,
        starts="0-9.-",
    ),
    Row("number", rf"{MINUS}{FREE}{NUMBER}", _number, LIKELY - 2, starts="0-9.-"),
    Row("number", r"\d{1,15}(?!\d)", _number, GUESS - 1),
    Row("number", r"\d++", lambda match, _: Digits((match[0],)), GUESS - 2),
)
