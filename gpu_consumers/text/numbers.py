"""Numbers in words, by wetext where it is right, each number given to it alone.

Measured on wetext 0.1.8, and so read here instead: "1,000" (it says "thousand"), 1100–1999 as a count ("twelve zero three"),
"1th" to "99th" with a wrong suffix, two numbers with a full-width comma between ("123456，5分钟" becomes one number of
seven digits), long digit strings (their tail becomes a count), 次 份 笔 倍 晚 after 2 ("二次"), "$12.50" ("twelve point five").
"""

from functools import lru_cache

from gpu_consumers.text.normalizer import read_english, read_mandarin

SCALES = ("", " thousand", " million", " billion")
LONGEST = 12  # digits read as a count; more are read one by one
_ZH_DIGITS = "零一二三四五六七八九"
_EN_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_LIANG = set(
    "个位条件份笔次天年周秒人名张只台部本盒箱包瓶袋杯层间套辆岁页场倍晚元块角项点组种批封通股顿盘双对把颗棵头匹座家门道首支片趟段遍辈小分星万千百亿"
)


@lru_cache(maxsize=1 << 14)
def zh_count(digits: str) -> str:
    """二 stays 二; see `zh_counted`."""
    if len(digits) > LONGEST:
        return zh_digits(digits)
    return "二" if int(digits) == 2 else read_mandarin(f"{int(digits)}个")[:-1]


def zh_counted(digits: str, following: str) -> str:
    """A count before a measure word: 2 is 两 before most of them, and 二 in a rank (二楼, 二月)."""
    return "两" if digits == "2" and following[:1] in _LIANG else zh_number(digits)


def zh_number(number: str) -> str:
    """With or without a decimal point and thousands commas."""
    whole, _, fraction = number.replace(",", "").partition(".")
    return zh_count(whole) + ("点" + zh_digits(fraction, one="一") if fraction else "")


def zh_digits(digits: str, one: str = "幺") -> str:
    return "".join(one if digit == "1" else _ZH_DIGITS[int(digit)] for digit in digits)


@lru_cache(maxsize=1 << 14)
def en_count(digits: str) -> str:
    """Three digits at a time by wetext: "one thousand two hundred and three", "one thousand and three"."""
    if len(digits) > LONGEST:
        return en_digits(digits)
    number, words = int(digits), []
    if number == 0:
        return "zero"
    for scale in SCALES:
        number, group = divmod(number, 1000)
        if group:
            words.append(read_english(str(group)) + scale)
    joint = "and " if 0 < int(digits) % 1000 < 100 and len(words) > 1 else ""
    return " ".join([*reversed(words[1:]), joint + words[0]])


def en_number(number: str) -> str:
    whole, _, fraction = number.replace(",", "").partition(".")
    return en_count(whole) + (" point " + en_digits(fraction) if fraction else "")


def en_digits(digits: str) -> str:
    return " ".join(_EN_DIGITS[int(digit)] for digit in digits)


def en_ordinal(number: int) -> str:
    """1 to 999."""
    suffix = (
        "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    hundreds, rest = divmod(number, 100)
    if hundreds and rest:
        return f"{en_count(str(hundreds))} hundred and {en_ordinal(rest)}"
    return read_english(f"{number}{suffix}")


def en_year(digits: str) -> str:
    """1900 to 2099."""
    return read_english(digits).replace(" zero ", " oh ")


def groups(digits: str) -> list[str]:
    """A long digit string as it is read aloud: six in threes, more in fours."""
    size = len(digits) if len(digits) < 6 else 3 if len(digits) == 6 else 4
    return [digits[start : start + size] for start in range(0, len(digits), size)]
