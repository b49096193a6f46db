"""Units of measurement in both languages: one row each.

Two units with a slash between are a compound (mg/day); those that are said in a way of their own
(km/h) have a row.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit, and how it is written."""

    signs: tuple[str, ...]  # the first is its key
    singular: str
    plural: str
    mandarin: str  # with {} for the number where the unit does not simply follow it


_ROWS = (  # its signs (with _ for a space), names
    # length
    ("km", "kilometer", "kilometers", "公里"),
    ("m", "meter", "meters", "米"),
    ("cm", "centimeter", "centimeters", "厘米"),
    ("mm", "millimeter", "millimeters", "毫米"),
    ("um μm", "micrometer", "micrometers", "微米"),
    ("nm", "nanometer", "nanometers", "纳米"),
    ("ft", "foot", "feet", "英尺"),
    ("in", "inch", "inches", "英寸"),
    ("yd yds", "yard", "yards", "码"),
    ("mi", "mile", "miles", "英里"),
    # area and volume
    ("km² km2 km^2", "square kilometer", "square kilometers", "平方公里"),
    ("m² m2 m^2 ㎡", "square meter", "square meters", "平方米"),
    ("cm² cm2 cm^2", "square centimeter", "square centimeters", "平方厘米"),
    ("mm² mm2 mm^2", "square millimeter", "square millimeters", "平方毫米"),
    ("ft² ft2 ft^2 sqft sq_ft sq._ft.", "square foot", "square feet", "平方英尺"),
    ("m³ m3 m^3", "cubic meter", "cubic meters", "立方米"),
    ("cm³ cm3 cm^3 cc", "cubic centimeter", "cubic centimeters", "立方厘米"),
    ("ha", "hectare", "hectares", "公顷"),
    ("L l", "liter", "liters", "升"),
    ("dL dl", "deciliter", "deciliters", "分升"),
    ("mL ml ML", "milliliter", "milliliters", "毫升"),
    ("tbsp", "tablespoon", "tablespoons", "汤匙"),
    ("tsp", "teaspoon", "teaspoons", "茶匙"),
    ("cup cups", "cup", "cups", "杯"),
    ("fl_oz", "fluid ounce", "fluid ounces", "液盎司"),
    ("uL ul", "microliter", "microliters", "微升"),
    ("gal", "gallon", "gallons", "加仑"),
    # weight
    ("kg KG Kg", "kilogram", "kilograms", "千克"),
    ("g", "gram", "grams", "克"),
    ("mg", "milligram", "milligrams", "毫克"),
    ("ug mcg", "microgram", "micrograms", "微克"),
    ("ng", "nanogram", "nanograms", "纳克"),
    ("t", "ton", "tons", "吨"),
    ("lb lbs", "pound", "pounds", "磅"),
    ("oz", "ounce", "ounces", "盎司"),
    # time
    ("h hr hrs", "hour", "hours", "小时"),
    ("min mins", "minute", "minutes", "分钟"),
    ("s sec secs", "second", "seconds", "秒"),
    ("ms", "millisecond", "milliseconds", "毫秒"),
    ("day d", "day", "days", "天"),
    ("days", "day", "days", "天"),
    ("week wk", "week", "weeks", "周"),
    ("month mo", "month", "months", "月"),
    ("year yr", "year", "years", "年"),
    # speed
    ("km/h kph kmh", "kilometer per hour", "kilometers per hour", "每小时{}公里"),
    ("m/s", "meter per second", "meters per second", "每秒{}米"),
    ("mph", "mile per hour", "miles per hour", "每小时{}英里"),
    ("rpm", "revolution per minute", "revolutions per minute", "每分钟{}转"),
    ("bpm", "beat per minute", "beats per minute", "每分钟{}次"),
    ("fps", "frame per second", "frames per second", "每秒{}帧"),
    # electricity and energy
    ("kWh", "kilowatt hour", "kilowatt hours", "千瓦时"),
    ("MWh", "megawatt hour", "megawatt hours", "兆瓦时"),
    ("Wh", "watt hour", "watt hours", "瓦时"),
    ("W", "watt", "watts", "瓦"),
    ("kW", "kilowatt", "kilowatts", "千瓦"),
    ("MW", "megawatt", "megawatts", "兆瓦"),
    ("V", "volt", "volts", "伏"),
    ("kV", "kilovolt", "kilovolts", "千伏"),
    ("mV", "millivolt", "millivolts", "毫伏"),
    ("A", "ampere", "amperes", "安"),
    ("mA", "milliampere", "milliamperes", "毫安"),
    ("Ah", "ampere hour", "ampere hours", "安时"),
    ("mAh", "milliampere hour", "milliampere hours", "毫安时"),
    ("Ω", "ohm", "ohms", "欧姆"),
    ("kΩ", "kilohm", "kilohms", "千欧"),
    ("kVA", "kilovolt ampere", "kilovolt amperes", "千伏安"),
    ("J", "joule", "joules", "焦耳"),
    ("kJ", "kilojoule", "kilojoules", "千焦"),
    ("MJ", "megajoule", "megajoules", "兆焦"),
    ("cal", "calorie", "calories", "卡"),
    ("kcal", "kilocalorie", "kilocalories", "千卡"),
    # frequency, sound, pressure
    ("Hz", "hertz", "hertz", "赫兹"),
    ("kHz", "kilohertz", "kilohertz", "千赫"),
    ("MHz", "megahertz", "megahertz", "兆赫"),
    ("GHz", "gigahertz", "gigahertz", "吉赫"),
    ("dB", "decibel", "decibels", "分贝"),
    ("Pa", "pascal", "pascals", "帕"),
    ("bar", "bar", "bar", "巴"),
    ("hPa", "hectopascal", "hectopascals", "百帕"),
    ("kPa", "kilopascal", "kilopascals", "千帕"),
    ("MPa", "megapascal", "megapascals", "兆帕"),
    ("mmHg", "millimeter of mercury", "millimeters of mercury", "毫米汞柱"),
    ("psi", "pound per square inch", "pounds per square inch", "磅每平方英寸"),
    # data
    ("Kbps kbps", "kilobit per second", "kilobits per second", "每秒{}千比特"),
    ("Mbps mbps", "megabit per second", "megabits per second", "每秒{}兆比特"),
    ("Gbps gbps", "gigabit per second", "gigabits per second", "每秒{}吉比特"),
    ("KB kB", "kilobyte", "kilobytes", "K B"),
    ("MB", "megabyte", "megabytes", "兆"),
    ("GB", "gigabyte", "gigabytes", "G B"),
    ("TB", "terabyte", "terabytes", "T B"),
    ("nit nits", "nit", "nits", "尼特"),
    ("lm", "lumen", "lumens", "流明"),
    ("px", "pixel", "pixels", "像素"),
    # medicine
    ("mmol", "millimole", "millimoles", "毫摩尔"),
    ("umol", "micromole", "micromoles", "微摩尔"),
    ("mol", "mole", "moles", "摩尔"),
    ("IU", "international unit", "international units", "国际单位"),
    ("U", "unit", "units", "单位"),
    # temperature, angle, parts
    ("°C", "degree celsius", "degrees celsius", "摄氏度"),
    ("°F", "degree fahrenheit", "degrees fahrenheit", "华氏度"),
    ("°", "degree", "degrees", "度"),
    ("%", "percent", "percent", "百分之{}"),
    ("‰", "per mille", "per mille", "千分之{}"),
    ("ppm", "part per million", "parts per million", "百万分之{}"),
)
_SIGNS_OF = [[sign.replace("_", " ") for sign in row[0].split()] for row in _ROWS]
UNITS = {
    signs[0]: Unit(tuple(signs), *names)
    for signs, (_, *names) in zip(_SIGNS_OF, _ROWS, strict=True)
}
KEY_OF = {sign: key for key, unit in UNITS.items() for sign in unit.signs}


def any_of(signs: "list[str]") -> str:
    """Return a pattern for any of the signs, the longest first."""
    return "(?:" + "|".join(map(re.escape, sorted(signs, key=len, reverse=True))) + ")"


SIGN = any_of(list(KEY_OF))
# A unit as it is written after a number; the sign is a whole word.
UNIT = rf"{SIGN}(?:/{SIGN}(?![A-Za-z0-9]))?(?![A-Za-z0-9])"


def key_of(written: str) -> str:
    """Return the key of a unit as `UNIT` finds it: that of a row, or two with a slash between."""
    return KEY_OF.get(written) or "/".join(KEY_OF[part] for part in written.split("/"))
