"""How a code is cut into the groups in which it is said."""

import re

from seedcast.gpu_consumers.text.values import Digits, Value
from seedcast.schemas.locales import Locale


def spelled(match: re.Match[str], _: Locale) -> Value:
    """Return the groups, each said one by one; a long one is cut as it is read aloud."""
    groups = re.findall("[A-Za-z0-9]+", match.group())
    if all(len(group) == 1 for group in groups):  # 4 8 2 9 1 3
        groups = ["".join(groups)]
    return Digits(tuple(part for group in groups for part in cut(group)))


def at_least_three(match: re.Match[str], locale: Locale) -> Value | None:
    """Return the groups; None if there are fewer than three digits, which may be a count."""
    return spelled(match, locale) if sum(map(str.isdigit, match.group())) >= 3 else None


def long_group(match: re.Match[str], locale: Locale) -> Value | None:
    """Return the groups; None if each has one or two digits, as those of a range: gates 12-14."""
    is_long = re.search(r"\d{3}", match.group())
    return spelled(match, locale) if is_long else None


def cut(group: str) -> list[str]:
    """Split a long code: six digits in threes, more in fours; letters go with what they touch."""
    parts = [""]
    for run in re.findall(r"[A-Za-z]+|\d+", group):
        first, *others = cut_digits(run) if run.isdigit() else [run]
        parts = [*parts[:-1], parts[-1] + first, *others]
    return parts


def cut_digits(digits: str) -> list[str]:
    size = len(digits) if len(digits) < 6 else 3 if len(digits) == 6 else 4
    return [digits[start : start + size] for start in range(0, len(digits), size)]
