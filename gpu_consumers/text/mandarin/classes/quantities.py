"""Numbers, and what they are of: measures, counts, ranges of them, ranks, pressures."""

import re

from seedcast.gpu_consumers.text.classify import GUESS, LIKELY, NAMED, PLAIN, Row
from seedcast.gpu_consumers.text.mandarin.classes.names import letters
from seedcast.gpu_consumers.text.mandarin.classes.patterns import (
    DASH,
    HAN,
    NUMBER,
    SCALE,
    START,
    number_of,
    spelled,
    text_before,
)
from seedcast.gpu_consumers.text.mandarin.counts import count, digits
from seedcast.gpu_consumers.text.mandarin.measures import MEASURE_WORD, takes_liang, unit_words
from seedcast.gpu_consumers.text.patterns import digits_in
from seedcast.gpu_consumers.text.units import SIGN, key_of
from seedcast.gpu_consumers.text.values import (
    Digits,
    Measure,
    Number,
    Ordinal,
    Over,
    Range,
    Sequence,
    Value,
    Words,
)
from seedcast.schemas.locales import Locale

_UNIT = rf"(?:{SIGN}(?:/{SIGN})?(?![A-Za-z0-9])|[%‰])"
_MANDARIN = {"cc": "毫升", '"': "英寸", "'": "英尺", "M": "兆"}  # written so only in Mandarin
_POWERS = str.maketrans("²³", "23")
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_ROMAN_NUMBER = "(?:I{1,3}|IV|VI{0,3}|IX)(?![A-Za-z])"


def _number(match: re.Match[str], _: Locale) -> Value:
    return number_of(match.group())


def _measure(match: re.Match[str], _: Locale) -> Value:
    return Measure(number_of(match["amount"]), _unit(match["unit"]))


def _unit(written: str) -> str:
    """Return the key of a unit, or the measure word as it stands."""
    if said := _MANDARIN.get(written):
        return said
    return written if re.match(HAN, written) else key_of(written)


def _inches_or_feet(match: re.Match[str], _: Locale) -> Value | None:
    """Return a length, unless its sign closes a quotation."""
    before = match.string[max(0, match.start() - 64) : match.start()]
    is_quoted = before.count(match["unit"]) % 2 == 1
    return None if is_quoted else _measure(match, _)


def _power(match: re.Match[str], _: Locale) -> Value:
    """Return 10^9 as 十的九次方."""
    base, power = match.group().translate(_POWERS).split("^", 1)
    return Sequence((Number(base), Words("的"), number_of(power.replace("^", "")), Words("次方")))


def _feet_and_inches(match: re.Match[str], _: Locale) -> Value:
    """Return 6'2\", or 3'30\", which is a time or an angle."""
    first, second = map(Number, digits_in(match.group()))
    units = ("英尺", "英寸") if int(second.whole) < 12 else ("分", "秒")
    return Sequence((Measure(first, units[0]), Measure(second, units[1])))


def _angle(match: re.Match[str], _: Locale) -> Value:
    """Return 30°15'20\"."""
    parts = zip(digits_in(match.group()), ("度", "分", "秒"), strict=False)
    return Sequence(tuple(Words(count(part) + unit) for part, unit in parts))


def _unit_alone(match: re.Match[str], _: Locale) -> Value:
    return Words("".join(unit_words(key_of(match.group()))))


def _unknown(match: re.Match[str], _: Locale) -> Value:
    """Return a number of a unit that no table has: 1350TEU."""
    amount, unit = number_of(match["amount"]), match["unit"]
    is_line = match.string[match.end() : match.end() + 1] in ("路", "号", "线")
    if unit == "M" and int(amount.whole) >= 20 and not is_line:
        return Measure(amount, "兆")
    return Sequence((amount, letters(unit)))


def _range(match: re.Match[str], _: Locale) -> Value:
    """Return a range of numbers that share a unit."""
    first, last, unit = number_of(match["first"]), number_of(match["last"]), _unit(match["unit"])
    if unit in ("%", "‰"):
        return Range(Measure(first, unit), Measure(last, unit))
    return Range(first, Measure(last, unit))


def _two(match: re.Match[str], _: Locale) -> Value | None:
    """Return 两 for the 2 of 2到3次, whose measure word stands after the last number."""
    return Words("两") if takes_liang(match["unit"]) else None


def _part_of(match: re.Match[str], _: Locale) -> Value:
    """Return the first of 12/16GB, which are used and all."""
    return Sequence((number_of(match["amount"]), Words("，")))


def _pay(match: re.Match[str], _: Locale) -> Value:
    """Return 8K-12K, which is in thousands where it is pay."""
    return Range(number_of(match["first"]), number_of(match["last"]))


def _over(match: re.Match[str], _: Locale) -> Value:
    over = Over(*digits_in(match.group()))
    return Sequence((over, Words("毫米汞柱"))) if match.group().endswith("g") else over


def _ordinal(match: re.Match[str], _: Locale) -> Value:
    """Return a rank, or a range of them; a long one is said digit by digit."""
    first, last = [*digits_in(match.group()), ""][:2]
    is_issue = len(first) > 4 and match.string[match.end() : match.end() + 1] in ("期", "号")
    is_long = is_issue or (len(first) > 6 and not first.endswith("000"))
    if is_long or (first[0] == "0" and len(first) > 1):
        return Sequence((Words("第"), spelled(first)))
    return Range(Ordinal(first), Number(last)) if last else Ordinal(first)


def _numbered(match: re.Match[str], _: Locale) -> Value:
    """Return #5 as 五号."""
    return Sequence((Number(digits_in(match.group())[0]), Words("号")))


def _number_sign(match: re.Match[str], _: Locale) -> Value:
    """Return the sign before a code, which is not said again after a word for it."""
    return Words("，" if text_before(match).endswith(("号", "码", "是", "为", ":")) else "编号")


def _roman(match: re.Match[str], _: Locale) -> Value:
    return Number(str(_ROMAN.index(match.group()) + 1))


def _digits(match: re.Match[str], _: Locale) -> Value:
    return Digits((match.group(),))


def _discount(match: re.Match[str], _: Locale) -> Value:
    return Words(digits(match.group(), one="一"))


_AMOUNT = rf"{START}(?P<amount>{NUMBER})"
_SCALED = rf"{START}(?P<amount>{NUMBER}(?:\s?{SCALE})?)"
_PRESSURE = rf"{START}[0-9]{{2,3}} ?/ ?[0-9]{{2,3}}"
ROWS = (
    Row("measure", rf"{_AMOUNT}\s?(?P<unit>{_UNIT})", _measure, starts="0-9."),
    Row("measure", START + r"[0-9]{1,2}'\s?[0-9]{1,2}(?:\"|(?![0-9.:]))", _feet_and_inches, NAMED),
    Row("measure", rf"{_AMOUNT}(?P<unit>cc)(?![A-Za-z0-9])", _measure, PLAIN + 1, starts="0-9."),
    Row("measure", rf"{_AMOUNT}(?P<unit>[\"'])(?![A-Za-z0-9])", _inches_or_feet, PLAIN + 1,
        starts="0-9."),
    Row("angle", START + r"[0-9]{1,3}°[0-9]{1,2}'(?:[0-9]{1,2}\")?", _angle, NAMED),
    Row("power", START + r"[0-9]{1,9}\^-?(?:\^?[0-9²³]){1,3}(?![0-9])", _power, NAMED),
    Row("measure", rf"{_AMOUNT}(?P<unit>[A-Za-z]{{1,12}})(?![A-Za-z0-9-])", _unknown, LIKELY + 1,
        starts="0-9."),
    Row("measure", rf"{_SCALED}\s?(?P<unit>{MEASURE_WORD})", _measure, starts="0-9."),
    Row("number", rf"{START}{NUMBER}\s?{SCALE}", _number, starts="0-9."),
    Row("range", rf"{START}(?P<first>{NUMBER})\s?{DASH}\s?(?P<last>{NUMBER}(?:\s?{SCALE})?)\s?"
        rf"(?P<unit>{_UNIT}|{MEASURE_WORD})", _range, starts="0-9."),
    Row("number", rf"{START}(?<!-)2(?=\s?[到至或、]\s?[0-9]{{1,2}}\s?(?P<unit>{MEASURE_WORD}))",
        _two),
    Row("number", rf"{START}2(?=[室房][0-9]厅)", lambda match, _: Words("两"), NAMED),
    Row("number", rf"{START}2", lambda match, _: Words("两"), NAMED,
        r"(?:[有共剩这那过差等订乘坐]|前面|前方)\s?", r"\s?(?:[桌类栋届]|站(?!台|点))"),
    Row("number", rf"{START}2", lambda match, _: Words("两"), NAMED,
        after=r"\s?大[0-9一二两]小|\s?所(?:学校|大学|医院|[中小]学|高校|院校|幼儿园)"),
    Row("number", rf"{START}2", _number, NAMED, r"[路街道]\s?", "段"),
    Row("number", rf"{START}2", _number, NAMED, r"[到从由在至]\s?", "门(?![课功科])"),
    Row("height", rf"{START}[0-9]{{2}}(?![0-9.])", _discount, NAMED, "(?<![0-9.])[12]米",
        rf"(?!\s?(?:[A-Za-z]|{MEASURE_WORD}))"),
    Row("parts", rf"{_AMOUNT}\s?/(?=\s?{NUMBER}\s?[MGT]B(?![A-Za-z0-9]))", _part_of, NAMED,
        starts="0-9."),
    Row("range", rf"{START}(?P<first>{NUMBER}[kKwW])\s?{DASH}\s?(?P<last>{NUMBER}[kKwW])"
        "(?![A-Za-z0-9])", _pay, NAMED, r"[薪资酬入][:为是\s]{0,2}"),
    Row("rank", rf"{START}[0-9]{{1,3}}(?![0-9.])", _number, NAMED, "第[0-9]{1,3}[、,和及或]"),
    Row("pressure", rf"{_PRESSURE}(?![0-9/])", _over, NAMED, rf"血压{HAN}{{0,4}}[:,\s]{{0,2}}"),
    Row("pressure", rf"{_PRESSURE}\s?mmHg", _over, NAMED + 1),
    Row("rank", rf"第\s?[0-9]{{1,20}}(?:\s?{DASH}\s?[0-9]{{1,6}})?(?![0-9.])", _ordinal, NAMED,
        starts="第"),
    Row("number", r"#\s?[0-9]{1,2}(?![0-9.])", _numbered, starts="#"),
    Row("sign", r"(?:#|(?i:no)\.)\s?(?=[A-Z]{0,3}[0-9])", _number_sign, LIKELY + 1, starts="#Nn"),
    Row("number", r"(?i:no)\.\s?[0-9]{1,2}(?![0-9.])", _numbered, NAMED, starts="Nn"),
    Row("unit", rf"(?<![A-Za-z0-9])(?=[A-Za-z%]{{2}}){SIGN}/{SIGN}(?![A-Za-z0-9])", _unit_alone,
        starts="A-Za-z"),
    Row("unit", r"(?<![A-Za-z0-9])(?:°[CF]|[ck]?m²|c?m³)(?![A-Za-z0-9])", _unit_alone,
        starts="°ckm"),
    Row("number", rf"{START}[0-9]{{1,2}}#", _numbered, NAMED, after="[楼栋幢门机柜车油]|[汽柴]油"),
    Row("number", _ROMAN_NUMBER, _roman, NAMED, after="[级期类型度等]", starts="IV"),
    Row("discount", rf"{START}[1-9][1-9]", _discount, NAMED, after=r"\s?折(?!叠)"),
    Row("resolution", rf"{START}(?:480|720|1080|1440|2160)(?=[pPiI](?![A-Za-z0-9]))", _digits),
    Row("number", rf"(?<![A-Za-z0-9]){NUMBER}", _number, GUESS, starts="0-9."),
)  # fmt: skip
