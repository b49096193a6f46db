"""Says numbers, amounts of money and measures in Mandarin."""

from collections.abc import Callable
from dataclasses import replace

from seedcast.gpu_consumers.text.currencies import CURRENCIES
from seedcast.gpu_consumers.text.mandarin.counts import count, digits
from seedcast.gpu_consumers.text.mandarin.measures import takes_liang, unit_words
from seedcast.gpu_consumers.text.values import Fraction, Measure, Money, Number, Range, Value

_PLACES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9}  # that the scale adds
_SCALES = {"trillion": "万亿"}


def say_number(number: Number) -> str:
    """Return a number; 2 is 两 before a scale such as 万."""
    if places := _PLACES.get(number.scale):
        return say_number(_shifted(number, places))
    if number.scale == "万" and len(number.whole) > 4 and not number.fraction:
        return say_number(_shifted(number, 4))
    spoken = count(number.whole or "0")
    if number.fraction:
        spoken += "点" + digits(number.fraction, one="一")
    elif number.scale and spoken == "二":
        spoken = "两"
    return _sign(number) + spoken + _SCALES.get(number.scale, number.scale)


def _shifted(number: Number, places: int) -> Number:
    """Return the same number without its scale, its point that many places to the right."""
    fraction = number.fraction.ljust(places, "0")
    return Number(number.whole + fraction[:places], fraction[places:], number.negative)


def _sign(number: Number) -> str:
    return "负" if number.negative else ""


def counted(number: Number, following: str) -> str:
    """Return a number as it is said before `following`, which begins with the measure word."""
    is_two = (number.whole, number.fraction, number.scale) == ("2", "", "")
    return _sign(number) + "两" if is_two and takes_liang(following) else say_number(number)


def say_money(money: Money) -> str:
    """Return an amount; the fraction of a yuan is 角 and 分."""
    fraction = money.number.fraction.rstrip("0")
    number, name = replace(money.number, fraction=fraction), currency_name(money.currency)
    if money.currency == "CNY" and fraction and len(fraction) <= 2 and not number.scale:
        return _sign(number) + _yuan(number.whole, fraction.ljust(2, "0"))
    return counted(number, name) + name


def currency_name(code: str) -> str:
    """Return the name of a currency; 元 without a code, and the letters of an unknown one."""
    if not code:
        return "元"
    return CURRENCIES[code].mandarin if code in CURRENCIES else f" {' '.join(code)} "


def _yuan(whole: str, fraction: str) -> str:
    """Return an amount of yuan; `fraction` has two digits. 12.05 is 十二元零五分."""
    tenths, hundredths = fraction[0], fraction[1]
    spoken = counted(Number(whole), "元") + "元" if int(whole) else ""
    if tenths != "0":
        spoken += counted(Number(tenths), "角") + "角"
    elif spoken:
        spoken += "零"
    return spoken + (counted(Number(hundredths), "分") + "分" if hundredths != "0" else "")


def say_measure(measure: Measure) -> str:
    """Return a number with its unit: 五千克, 百分之五, 每小时五公里."""
    before, after = unit_words(measure.unit)
    if before.endswith("分之"):
        return _sign(measure.number) + before + say_number(replace(measure.number, negative=False))
    return before + counted(measure.number, after) + after


def say_range(both: Range, say: Callable[[Value], str]) -> str:
    """Return a range; its first 2 is 两 if the measure word of the last asks for it."""
    first, last = both.first, both.last
    if isinstance(first, Number) and isinstance(last, Measure):
        before, after = unit_words(last.unit)
        return f"{before}{counted(first, after)}到{counted(last.number, after)}{after}"
    if isinstance(first, Number) and isinstance(last, Money):
        return f"{counted(first, currency_name(last.currency))}到{say(last)}"
    return f"{say(first)}到{say(last)}"


def say_fraction(fraction: Fraction) -> str:
    whole = count(fraction.whole) + "又" if fraction.whole else ""
    return f"{whole}{count(fraction.denominator)}分之{count(fraction.numerator)}"
