"""Numbers in English words.

num2words would do, but it depends on docopt, which has had no release since 2014 and no wheel.
"""

from functools import lru_cache

SCALES = ("", " thousand", " million", " billion", " trillion")
LONGEST = 15  # digits said as a count; of a longer number each digit is said
_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("", "", *("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"))
_RANKS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_PARTS = {1: "whole", 2: "half", 4: "quarter"}


@lru_cache(maxsize=1 << 14)
def count(digits: str) -> str:
    """Return a whole number: 1203 is "one thousand two hundred and three"."""
    if len(digits) > LONGEST:
        return spell(digits)
    rest, groups = int(digits), []
    if rest == 0:
        return "zero"
    for scale in SCALES:
        rest, group = divmod(rest, 1000)
        if group:
            groups.append(_below_thousand(group) + scale)
    joint = "and " if 0 < int(digits) % 1000 < 100 and len(groups) > 1 else ""
    return " ".join([*reversed(groups[1:]), joint + groups[0]])


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    return f"{_SMALL[hundreds]} hundred" + (f" and {_below_hundred(rest)}" if rest else "")


def _below_hundred(number: int) -> str:
    if number < 20:
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]} {_SMALL[ones]}" if ones else _TENS[tens]


def decimal(whole: str, fraction: str) -> str:
    return count(whole) + (f" point {spell(fraction)}" if fraction else "")


def spell(digits: str) -> str:
    """Return each digit."""
    return " ".join(_SMALL[int(digit)] for digit in digits)


@lru_cache(maxsize=1 << 12)
def ordinal(digits: str) -> str:
    """Return a rank: 22 is "twenty second"."""
    *first, last = count(digits).split(" ")
    rank = _RANKS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return " ".join([*first, rank])


def year(digits: str) -> str:
    """Return a year of two to four digits as it is read aloud: 1905, 2000, 2024."""
    if len(digits) == 2 and digits[0] == "0":
        return f"oh {count(digits)}"
    if len(digits) != 4 or digits[1:3] == "00" or digits[0] == "0":
        return count(digits)
    century, rest = digits[:2], digits[2:]
    if rest == "00":
        return f"{count(century)} hundred"
    return f"{count(century)} {'oh ' if rest[0] == '0' else ''}{count(rest)}"


def decade(digits: str) -> str:
    """Return the tens of years that begin with a year of two or four digits: the nineties."""
    if digits[-3:] == "000":
        return f"{count(digits)}s"
    if digits[-2:] == "00":
        return f"{count(digits[:-2])} hundreds"
    century = f"{count(digits[:-2])} " if len(digits) > 2 else ""
    return f"{century}{_TENS[int(digits[-2])][:-1]}ies"


def fraction(numerator: str, denominator: str) -> str:
    """Return 3/4 as "three quarters", and what is no small fraction as "a over b"."""
    below = int(denominator)
    if len(denominator) > 3 or below < 2:
        return f"{count(numerator)} over {count(denominator)}"
    part = _PARTS.get(below) or ordinal(denominator)
    if int(numerator) == 1:
        return f"one {part}"
    return f"{count(numerator)} {'halves' if below == 2 else part + 's'}"
