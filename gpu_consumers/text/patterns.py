"""What the patterns of several classes are made of, and the values of what they match.

All of them take bounded time at a place, as `classify.Row` asks.
"""

import re

from seedcast.gpu_consumers.text.currencies import CODE_OF
from seedcast.gpu_consumers.text.units import any_of
from seedcast.gpu_consumers.text.values import Number

# With commas (of thousands, or of lakhs as in India), a decimal point, or neither. It does not end
# inside a longer number.
NUMBER = (
    r"(?:(?:\d{1,3}(?:,\d{3}){1,6}|\d{1,2}(?:,\d\d){1,4},\d{3}|\d{1,40})(?:\.\d{1,20})?"
    r"|\.\d{1,20})"
    r"(?!\d|[.,]\d)"
)
FREE = r"(?<![A-Za-z0-9.,])"  # the left edge of a number that is no part of another one
END = r"(?![A-Za-z0-9])"  # the right edge of a word
MINUS = r"(?:(?<![\w)%.,-])-(?=[\d.$¥€£]))?"  # a sign before a number, not a hyphen
DASH = r"\s?[-–—~]\s?"
CURRENCY = any_of([sign for sign in CODE_OF if not sign.isalpha()])
CURRENCY_WORD = any_of([sign for sign in CODE_OF if sign.isalpha()])


def number_of(written: str, scale: str = "") -> Number:
    """Return the number of digits with commas, a point and a sign before them."""
    digits = written.replace(",", "").replace(" ", "")
    whole, _, fraction = digits.lstrip("+-").partition(".")
    return Number(whole or "0", fraction, digits.startswith("-"), scale)


def digits_in(written: str) -> list[str]:
    """Return the runs of digits."""
    return re.findall(r"\d+", written, re.ASCII)
