"""Units of measurement in both languages; {} is where the number goes.

Own table: wetext 0.1.8 takes "5 m" for minutes and leaves kWh, V, W, kHz (English) or GB, t, kWh, Mbps (Mandarin) as they are.
"""

_ROWS = (  # sign, English singular, English plural, Mandarin
    ("km/h", "kilometer per hour", "kilometers per hour", "每小时{}公里"),
    ("m/s", "meter per second", "meters per second", "每秒{}米"),
    ("mph", "mile per hour", "miles per hour", "每小时{}英里"),
    ("km²", "square kilometer", "square kilometers", "{}平方公里"),
    ("km2", "square kilometer", "square kilometers", "{}平方公里"),
    ("m²", "square meter", "square meters", "{}平方米"),
    ("m2", "square meter", "square meters", "{}平方米"),
    ("m³", "cubic meter", "cubic meters", "{}立方米"),
    ("m3", "cubic meter", "cubic meters", "{}立方米"),
    ("km", "kilometer", "kilometers", "{}公里"),
    ("cm", "centimeter", "centimeters", "{}厘米"),
    ("mm", "millimeter", "millimeters", "{}毫米"),
    ("um", "micrometer", "micrometers", "{}微米"),
    ("nm", "nanometer", "nanometers", "{}纳米"),
    ("m", "meter", "meters", "{}米"),
    ("ft", "foot", "feet", "{}英尺"),
    ("kg", "kilogram", "kilograms", "{}千克"),
    ("mg", "milligram", "milligrams", "{}毫克"),
    ("ug", "microgram", "micrograms", "{}微克"),
    ("g", "gram", "grams", "{}克"),
    ("lbs", "pound", "pounds", "{}磅"),
    ("lb", "pound", "pounds", "{}磅"),
    ("oz", "ounce", "ounces", "{}盎司"),
    ("ml", "milliliter", "milliliters", "{}毫升"),
    ("mL", "milliliter", "milliliters", "{}毫升"),
    ("L", "liter", "liters", "{}升"),
    ("kWh", "kilowatt hour", "kilowatt hours", "{}千瓦时"),
    ("kW", "kilowatt", "kilowatts", "{}千瓦"),
    ("mAh", "milliampere hour", "milliampere hours", "{}毫安时"),
    ("W", "watt", "watts", "{}瓦"),
    ("V", "volt", "volts", "{}伏"),
    ("GHz", "gigahertz", "gigahertz", "{}吉赫"),
    ("MHz", "megahertz", "megahertz", "{}兆赫"),
    ("kHz", "kilohertz", "kilohertz", "{}千赫"),
    ("Hz", "hertz", "hertz", "{}赫兹"),
    ("Mbps", "megabit per second", "megabits per second", "每秒{}兆比特"),
    ("TB", "terabyte", "terabytes", "{}T B"),
    ("GB", "gigabyte", "gigabytes", "{}G B"),
    ("MB", "megabyte", "megabytes", "{}兆"),
    ("KB", "kilobyte", "kilobytes", "{}K B"),
    ("hrs", "hour", "hours", "{}小时"),
    ("hr", "hour", "hours", "{}小时"),
    ("h", "hour", "hours", "{}小时"),
    ("mins", "minute", "minutes", "{}分钟"),
    ("min", "minute", "minutes", "{}分钟"),
    ("secs", "second", "seconds", "{}秒"),
    ("sec", "second", "seconds", "{}秒"),
    ("ms", "millisecond", "milliseconds", "{}毫秒"),
    ("°C", "degree celsius", "degrees celsius", "{}摄氏度"),
    ("°F", "degree fahrenheit", "degrees fahrenheit", "{}华氏度"),
    ("°", "degree", "degrees", "{}度"),
    ("%", "percent", "percent", "百分之{}"),
    ("‰", "per mille", "per mille", "千分之{}"),
)
EN = {sign: (singular, plural) for sign, singular, plural, _ in _ROWS}
ZH = {sign: template for sign, _, _, template in _ROWS}
UNIT = (
    "(?:"
    + "|".join(sorted((sign.replace("²", "(?:²|\\^2)") for sign in EN), key=len, reverse=True))
    + ")(?![A-Za-z0-9/])"
)
