"""Numbers in words. Each number goes to wetext alone, and only where wetext is right.

wetext 0.1.8 is wrong on these (measured), so they are handled here:

- "1,000": it says "thousand".
- 1100–1999 as a count: "twelve zero three".
- "1th" to "99th" with a wrong suffix.
- Two numbers with a full-width comma between: "123456，5分钟" becomes one number of seven digits.
- Long digit strings: their tail becomes a count.
- 次 份 笔 倍 晚 after 2: "二次".
- "$12.50": "twelve point five".
"""

from functools import lru_cache

from seedcast.gpu_consumers.text.normalizer import wetext_english, wetext_mandarin

SCALES = ("", " thousand", " million", " billion")
LONGEST = 12  # digits said as a count; of a longer number each digit is said
_ZH_DIGITS = "零一二三四五六七八九"
_EN_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_AFTER_LIANG = set(  # what 2 is 两 before
    "个位条件份笔次天年周秒人名张只台部本盒箱包瓶袋杯层间套辆岁页场倍晚元块角项点组种批封通股"
    "顿盘双对把颗棵头匹座家门道首支片趟段遍辈小分星万千百亿"
)


@lru_cache(maxsize=1 << 14)
def zh_count(digits: str) -> str:
    """Return a whole number in Mandarin. 2 is 二; see `zh_counted` for 两."""
    if len(digits) > LONGEST:
        return zh_digits(digits)
    return "二" if int(digits) == 2 else wetext_mandarin(f"{int(digits)}个")[:-1]


def zh_counted(digits: str, following: str) -> str:
    """Return a count as it is said before `following`, which begins with the measure word.

    2 is 两 before most measure words, and 二 in a rank (二楼, 二月).
    """
    return "两" if digits == "2" and following[:1] in _AFTER_LIANG else zh_number(digits)


def zh_number(number: str) -> str:
    """Return a number in Mandarin; it may have thousands commas and a decimal point."""
    whole, _, fraction = number.replace(",", "").partition(".")
    return zh_count(whole) + ("点" + zh_digits(fraction, one="一") if fraction else "")


def zh_digits(digits: str, one: str = "幺") -> str:
    """Return each digit in Mandarin; `one` is the word for 1."""
    return "".join(one if digit == "1" else _ZH_DIGITS[int(digit)] for digit in digits)


@lru_cache(maxsize=1 << 14)
def en_count(digits: str) -> str:
    """Return a whole number in English, for example "one thousand two hundred and three".

    wetext gets three digits at a time. 1003 is "one thousand and three".
    """
    if len(digits) > LONGEST:
        return en_digits(digits)
    number, words = int(digits), []
    if number == 0:
        return "zero"
    for scale in SCALES:
        number, group = divmod(number, 1000)
        if group:
            words.append(wetext_english(str(group)) + scale)
    joint = "and " if 0 < int(digits) % 1000 < 100 and len(words) > 1 else ""
    return " ".join([*reversed(words[1:]), joint + words[0]])


def en_counted(number: str, singular: str, plural: str) -> str:
    """Return a number in English, and the noun that goes with it."""
    return f"{en_number(number)} {singular if number == '1' else plural}"


def en_number(number: str) -> str:
    """Return a number in English; it may have thousands commas and a decimal point."""
    whole, _, fraction = number.replace(",", "").partition(".")
    return en_count(whole) + (" point " + en_digits(fraction) if fraction else "")


def en_digits(digits: str) -> str:
    """Return each digit in English."""
    return " ".join(_EN_DIGITS[int(digit)] for digit in digits)


def en_ordinal(number: int) -> str:
    """Return the ordinal of 1 to 999 in English."""
    hundreds, rest = divmod(number, 100)
    if hundreds and rest:
        return f"{en_count(str(hundreds))} hundred and {en_ordinal(rest)}"
    is_teen = number % 100 in (11, 12, 13)
    suffix = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return wetext_english(f"{number}{suffix}")


def en_year(digits: str) -> str:
    """Return a year from 1900 to 2099 in English."""
    return wetext_english(digits).replace(" zero ", " oh ")


def digit_groups(digits: str) -> list[str]:
    """Split a long digit string as it is read aloud: six digits in threes, more in fours."""
    size = len(digits) if len(digits) < 6 else 3 if len(digits) == 6 else 4
    return [digits[start : start + size] for start in range(0, len(digits), size)]
