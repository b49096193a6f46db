"""The text of each row: from its own column or a template, with the list's lexicon. Pure."""

from collections.abc import Mapping
from typing import Any

from seedcast.catalog.lexicon import Lexicon
from seedcast.catalog.markup import Text, write
from seedcast.catalog.markup_parser import parse
from seedcast.catalog.text import find_problem
from seedcast.errors import InvalidRow
from seedcast.producers.rows.parsers import parse_template
from seedcast.producers.rows.template import Template, Values
from seedcast.producers.rows.values import InvalidValue
from seedcast.schemas.locales import Locale

Fields = Mapping[str, Any]  # of a request, by name


class Texts:
    """Builds the texts of one list."""

    def __init__(self, template: str | None, defaults: Fields, lexicon: Lexicon | None) -> None:
        """`defaults`: the fields of the list's options. Raises InvalidInput."""
        self._option, self._defaults, self._lexicon = template, defaults, lexicon
        self._usual = self._format({})
        try:
            usual = self._usual[0]
            compiled = None if template is None else parse_template(template, usual)
        except InvalidValue as error:
            raise error.of_input("option template") from None
        self._template = compiled
        # The columns that a row without a template of its own needs.
        self.columns = compiled.variables if compiled else ("text",)

    def build(self, row: int, values: Values, own: Fields) -> tuple[str, bool]:
        """Return the text, and whether it is markup. `own`: the fields that the row says.

        Raises InvalidRow.
        """
        is_own = "text_format" in own or "locale" in own
        is_markup, locale = self._format(own) if is_own else self._usual
        text = values.get("text")
        if template := self._template_of(row, values, is_markup):
            text, is_markup = template.render(row, values, locale), template.is_markup
        if not isinstance(text, str):
            got = "nothing" if text is None else type(text).__name__
            raise InvalidRow(row, "text", expected="text", got=got)
        _check(row, text, is_markup, locale)
        if self._lexicon is None:
            return text, is_markup
        pieces = parse(text, locale) if is_markup else (Text(text),)
        if (said := self._lexicon.apply(pieces)) == pieces:
            return text, is_markup
        text = write(said)
        _check(row, text, True, locale)
        return text, True

    def _format(self, own: Fields) -> tuple[bool, Locale | None]:
        """Return whether a row's text is markup, and its locale."""
        fields = {**self._defaults, **own}
        return fields.get("text_format") == "markup", fields.get("locale")

    def _template_of(self, row: int, values: Values, is_markup: bool) -> Template | None:
        source = values.get("template") or self._option
        if source is self._option and is_markup == self._usual[0]:
            return self._template
        try:
            return None if source is None else parse_template(source, is_markup)
        except InvalidValue as error:
            raise error.of_row(row, "template") from None


def _check(row: int, text: str, is_markup: bool, locale: Locale | None) -> None:
    """Raises InvalidRow if the text cannot be spoken."""
    if problem := find_problem(text, is_markup, locale):
        raise InvalidRow(row, "text", expected=problem.expected, got=problem.got)
