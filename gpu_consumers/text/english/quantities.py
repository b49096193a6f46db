"""Says numbers, amounts of money and measures in English."""

from seedcast.gpu_consumers.text.currencies import CURRENCIES
from seedcast.gpu_consumers.text.english.numbers import count, decimal
from seedcast.gpu_consumers.text.units import UNITS
from seedcast.gpu_consumers.text.values import Measure, Money, Number


def say_number(number: Number) -> str:
    said = decimal(number.whole, number.fraction)
    scale = f" {number.scale}" if number.scale else ""
    return f"{'minus ' if number.negative else ''}{said}{scale}"


def say_money(money: Money) -> str:
    """Return dollars and cents: "twelve dollars and fifty cents"."""
    number, currency = money.number, CURRENCIES.get(money.currency)
    if currency is None:
        return say_number(number)
    if number.scale or len(number.fraction) > 2 or (number.fraction and not currency.cent):
        return f"{say_number(number)} {currency.plural}"
    sign = "minus " if number.negative else ""
    cents = str(int(number.fraction.ljust(2, "0")))
    minor = f"{count(cents)} {currency.cent if cents == '1' else currency.cents}"
    is_one = number.whole.lstrip("0") == "1"
    major = f"{count(number.whole)} {currency.singular if is_one else currency.plural}"
    if cents == "0":
        return sign + major
    return sign + (f"{major} and {minor}" if number.whole.strip("0") else minor)


def say_measure(measure: Measure) -> str:
    return f"{say_number(measure.number)} {unit_name(measure.unit, _is_one(measure.number))}"


def unit_name(key: str, is_one: bool = False) -> str:
    """Return the name of a unit, or of two with a slash between."""
    if unit := UNITS.get(key):
        return unit.singular if is_one else unit.plural
    first, second = key.split("/")
    return f"{unit_name(first, is_one)} per {UNITS[second].singular}"


def _is_one(number: Number) -> bool:
    return number.whole.lstrip("0") == "1" and not number.fraction and not number.scale
