"""Strict templates: `{name}` stands for a column, `{{` and `}}` for the braces themselves, and there is nothing else.

No attributes, indices, conversions or format specifications: a template comes with the list, from anywhere.
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
_SPEAKABLE = (str, int, float, Decimal, date, time)  # a datetime is a date
_MOST_DIGITS = 1000  # of an integer; Python itself writes no more than 4,300
_TOO_LARGE = 10**_MOST_DIGITS
Values = Mapping[str, object]


@dataclass(frozen=True)
class Template:
    variables: tuple[str, ...]  # in order of appearance, repeats included
    _percent: str  # the same template for `%`, which renders a tuple in one call

    def render(self, row: int, values: Values) -> str:
        """Raises InvalidRow, whose field is the variable that is missing or empty."""
        filled = tuple([values.get(name) for name in self.variables])
        for name, value in zip(self.variables, filled, strict=True):
            if not isinstance(value, str) or not value or value.isspace():
                _check(row, name, value)
        return self._percent % filled


@lru_cache(maxsize=1024)
def compile_template(source: str) -> Template:
    """Raises ValueError, which says what is not allowed."""
    literals, names = [], []
    for literal, name, specification, conversion in string.Formatter().parse(source):
        literals.append(literal.replace("%", "%%"))
        if name is None:
            continue
        if (
            specification
            or conversion
            or not name.strip()
            or name.isdigit()
            or _FORBIDDEN & set(name)
        ):
            raise ValueError(
                "a placeholder is {name}, a plain column name; {{ and }} stand for braces"
            )
        literals.append("%s")
        names.append(name)
    return Template(tuple(names), "".join(literals))


def _check(row: int, name: str, value: object) -> None:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise InvalidRow(
            row,
            name,
            expected="a value for the template",
            got="nothing" if value is None else "an empty one",
        )
    if isinstance(value, bool) or not isinstance(value, _SPEAKABLE):
        raise InvalidRow(
            row, name, expected="text or a number for the template", got=type(value).__name__
        )
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        raise InvalidRow(
            row, name, expected=f"at most {_MOST_DIGITS:,} digits for the template", got="more"
        )
    if not _exists(value):
        raise InvalidRow(row, name, expected="a number or a moment that exists", got=str(value))


def _exists(value: object) -> bool:
    """NaN and infinity do not; nor does the missing moment of pandas, a datetime that does not equal itself."""
    if isinstance(value, Decimal):
        return value.is_finite()
    return math.isfinite(value) if isinstance(value, float) else bool(value == value)
