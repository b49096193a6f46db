"""Strict templates: `{name}` stands for a column, `{{` and `}}` for the braces themselves.

There are no attributes, indices, conversions or format specifications: a template comes with the
list, and a list may come from anywhere.
"""

import math
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from functools import lru_cache

from seedcast.errors import InvalidRow

_FORBIDDEN = set(".[]!:")
_SPEAKABLE = (str, int, float, Decimal, date, time)  # a datetime is a date, too
_MAX_DIGITS = 1000  # of an integer; Python itself writes no more than 4,300
_TOO_LARGE = 10**_MAX_DIGITS
Values = Mapping[str, object]  # of a row, by column


@dataclass(frozen=True)
class Template:
    variables: tuple[str, ...]  # in order of appearance, repeats included
    _percent: str  # the same template for `%`, which renders a tuple in one call

    def render(self, row: int, values: Values) -> str:
        """Fill in the values. Raises InvalidRow; its field is the variable that is wrong."""
        filled = tuple([values.get(name) for name in self.variables])
        for name, value in zip(self.variables, filled, strict=True):
            if not isinstance(value, str) or not value or value.isspace():
                _check(row, name, value)
        return self._percent % filled


@lru_cache(maxsize=1024)
def compile_template(source: str) -> Template:
    """Raises ValueError, whose message says what is not allowed."""
    literals, names = [], []
    for literal, name, specification, conversion in string.Formatter().parse(source):
        literals.append(literal.replace("%", "%%"))
        if name is None:
            continue
        if specification or conversion or not _is_plain(name):
            raise ValueError(
                "a placeholder is {name}, a plain column name; {{ and }} stand for braces"
            )
        literals.append("%s")
        names.append(name)
    return Template(tuple(names), "".join(literals))


def _is_plain(name: str) -> bool:
    return bool(name.strip()) and not name.isdigit() and not _FORBIDDEN & set(name)


def _check(row: int, name: str, value: object) -> None:
    """Raises InvalidRow if a value cannot be spoken."""
    if value is None or (isinstance(value, str) and not value.strip()):
        got = "nothing" if value is None else "an empty value"
        raise InvalidRow(row, name, expected="a value for the template", got=got)
    if isinstance(value, bool) or not isinstance(value, _SPEAKABLE):
        expected = "text or a number for the template"
        raise InvalidRow(row, name, expected=expected, got=type(value).__name__)
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        expected = f"at most {_MAX_DIGITS:,} digits for the template"
        raise InvalidRow(row, name, expected=expected, got="more")
    if not _is_real(value):
        expected = "a finite number, or a date or time that is not missing"
        raise InvalidRow(row, name, expected=expected, got=str(value))


def _is_real(value: object) -> bool:
    """Return False for NaN, infinity and the missing time of pandas.

    That one is a datetime which does not equal itself.
    """
    if isinstance(value, Decimal):
        return value.is_finite()
    return math.isfinite(value) if isinstance(value, float) else bool(value == value)
