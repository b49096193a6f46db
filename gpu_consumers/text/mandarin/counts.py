"""Whole numbers in Mandarin words.

cn2an 0.5.24 is not used: it says 100,001,000 without its 零 (一亿一千), and takes 140 ms to import.
"""

from functools import lru_cache

LONGEST = 12  # digits said as a count; of a longer number each digit is said
_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_SECTIONS = ("", "万", "亿")


def digits(text: str, one: str = "幺") -> str:
    """Return each digit; `one` is the word for 1."""
    return "".join(one if digit == "1" else _DIGITS[int(digit)] for digit in text)


@lru_cache(maxsize=1 << 14)
def count(text: str) -> str:
    """Return a whole number, such as 两千零二十四. 2 alone is 二."""
    if len(text) > LONGEST:
        return digits(text)
    number = str(int(text))
    if number == "0":
        return "零"
    spoken = _sections(number)
    spoken = spoken.removeprefix("一") if spoken.startswith("一十") else spoken
    is_liang = spoken[0] == "二" and spoken[1:2] in tuple("千万亿")
    return "两" + spoken[1:] if is_liang else spoken


def _sections(number: str) -> str:
    """Return the words for a number, four digits at a time."""
    padded = number.zfill(-(-len(number) // 4) * 4)
    parts = [padded[start : start + 4] for start in range(0, len(padded), 4)]
    spoken, is_gap = "", False
    for power, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
        if int(part) == 0:
            is_gap = True
            continue
        joint = "零" if spoken and (is_gap or part[0] == "0") else ""
        spoken += joint + _below_ten_thousand(part.lstrip("0")) + _SECTIONS[power]
        is_gap = False
    return spoken


def _below_ten_thousand(number: str) -> str:
    spoken = ""
    for place, digit in zip(range(len(number) - 1, -1, -1), number, strict=True):
        if digit != "0":
            spoken += _DIGITS[int(digit)] + _PLACES[place]
        elif number[len(number) - place :].strip("0"):
            spoken = spoken.removesuffix("零") + "零"
    return spoken
