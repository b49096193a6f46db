"""Strict templates: `{name}` stands for a column, `{{` and `}}` for the braces themselves.

    {name}  {name|there}  {amount:money:CNY}  {due:date}  {due:date|soon}

After a bar stands what is said instead of a missing value; after a colon, as what the value is
said: a kind of `say_as`, and its detail. A template with kinds makes markup. Then every value is
escaped, and the text of the template, too, unless it is markup itself. So no value changes what
the markup is.

There are no attributes, indices, conversions or format specifications of Python's: a template
comes with the list, and a list may come from anywhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from seedcast.catalog.cannot_say import CannotSay
from seedcast.catalog.markup import InvalidMarkup, escape, say_as
from seedcast.catalog.markup_parser import PLACE, parse
from seedcast.catalog.say_as import KINDS, check_detail, parts_of, shape_of
from seedcast.errors import InvalidRow
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.rows.written import written
from seedcast.schemas.locales import Locale

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FORBIDDEN = set(".[]!:|")
_IDEOGRAPH = re.compile("[\u3400-\u9fff]")
Values = Mapping[str, object]  # of a row, by column


@dataclass(frozen=True)
class Placeholder:
    name: str
    kind: str = ""  # of say_as; "": text
    detail: str = ""
    default: str | None = None  # said instead of a missing value; None: a value must be there


@dataclass(frozen=True)
class Template:
    placeholders: tuple[Placeholder, ...]  # in order of appearance, repeats included
    is_markup: bool  # what it renders
    _percent: str  # the same template for `%`, which renders a tuple in one call
    _mandarin: bool  # whether its own words are

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns, in order of appearance, repeats included."""
        return tuple(placeholder.name for placeholder in self.placeholders)

    def render(self, row: int, values: Values, locale: Locale | None = None) -> str:
        """Fill in the values. Raises InvalidRow; its field is the variable that is wrong."""
        if not self.is_markup:  # then a text stands for itself: most cells are texts
            cells = tuple([values.get(place.name) for place in self.placeholders])
            try:
                if all(map(str.strip, cells)):  # type: ignore[arg-type]
                    return self._percent % cells
            except TypeError:
                pass  # another value
        return self._percent % tuple(
            [
                self._filled(row, place, values.get(place.name), locale)
                for place in self.placeholders
            ]
        )

    def _filled(self, row: int, place: Placeholder, value: object, locale: Locale | None) -> str:
        if value is None or (isinstance(value, str) and (not value or value.isspace())):
            if place.default is None:
                got = "nothing" if value is None else "an empty value"
                expected = "a value for the template"
                raise InvalidRow(row, place.name, expected=expected, got=got)
            return escape(place.default) if self.is_markup else place.default
        try:
            text = self._written(value, place.kind)
        except InvalidValue as error:
            raise error.of_row(row, place.name) from None
        if not place.kind:
            return escape(text) if self.is_markup else text
        try:
            parts_of(place.kind, text, place.detail, locale)
        except CannotSay as refusal:
            expected = f"for {place.kind} {refusal}"
            raise InvalidRow(row, place.name, expected=expected, got=shape_of(text)) from None
        return say_as(place.kind, text, place.detail)

    def _written(self, value: object, kind: str) -> str:
        if isinstance(value, str):
            return value
        text = written(value, mandarin=self._mandarin)
        if kind == "time" and isinstance(value, datetime):  # which at midnight is only a date
            return written(value.time())
        return text


@lru_cache(maxsize=1024)
def compile_template(source: str, markup: bool = False) -> Template:
    """Compile a template, whose own text is `markup` or plain.

    Raises ValueError, whose message says what is not allowed.
    """
    literals, places = _split(source)
    if markup:
        _check_markup(literals, places)
    is_markup = markup or any(place.kind for place in places)
    escaped = literals if markup or not is_markup else [escape(literal) for literal in literals]
    return Template(
        placeholders=tuple(places),
        is_markup=is_markup,
        _percent="%s".join(literal.replace("%", "%%") for literal in escaped),
        _mandarin=bool(_IDEOGRAPH.search("".join(literals))),
    )


def _split(source: str) -> tuple[list[str], list[Placeholder]]:
    """Return the literals, one more than there are placeholders, and these."""
    literals, places, end = [""], list[Placeholder](), 0
    for match in _PART.finditer(source):
        literals[-1] += source[end : match.start()]
        end = match.end()
        if match[0] in ("{{", "}}"):
            literals[-1] += match[0][0]
        elif match[1] is None:
            raise ValueError(f"a single {match[0]} in it; {{{{ and }}}} stand for braces")
        else:
            places.append(_placeholder(match[1]))
            literals.append("")
    literals[-1] += source[end:]
    return literals, places


def _placeholder(inside: str) -> Placeholder:
    field, bar, default = inside.partition("|")
    name, *said = field.split(":")
    if not _is_plain(name):
        raise ValueError("a placeholder is {name}, a plain column name; {{ and }} stand for braces")
    kind, detail = (*said, "", "")[:2]
    if said and (kind not in KINDS or "" in said or len(said) > 2):
        expected = (
            f"{{{name}:FORMAT}} or {{{name}:FORMAT:DETAIL}}, FORMAT one of {', '.join(KINDS)}"
        )
        raise ValueError(f"{name} with another format; expected {expected}")
    try:
        check_detail(kind, detail)
    except CannotSay as refusal:
        raise ValueError(f"{name} with another detail; expected {refusal}") from None
    return Placeholder(name, kind, detail, default if bar else None)


def _is_plain(name: str) -> bool:
    return bool(name.strip()) and not name.isdigit() and not _FORBIDDEN & set(name)


def _check_markup(literals: list[str], places: list[Placeholder]) -> None:
    """Raises ValueError if this is no markup, whatever the values are.

    A value may stand in a text or in the alias of a substitution, where it is escaped.
    """
    filled = [say_as(place.kind, PLACE, place.detail) if place.kind else PLACE for place in places]
    pairs = zip(literals, [*filled, ""], strict=True)
    try:
        parse("".join(part for pair in pairs for part in pair))
    except InvalidMarkup as error:
        raise ValueError(f"markup that is wrong: {error}") from None
