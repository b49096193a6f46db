"""The fields of a request that many rows share: all but its ids, its text and its metadata. Pure.

A list has few distinct combinations of voice, profiles, speed and so on. Each is parsed once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from seedcast.catalog.voices import Voice
from seedcast.producers.rows.columns import Columns
from seedcast.producers.rows.parsers import Parser
from seedcast.producers.rows.template import Values
from seedcast.producers.rows.values import InvalidValue
from seedcast.schemas.messages import SpeechRequest, Style

KEPT = 1024  # combinations
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Shared:
    """`request` is without ids, text, metadata and time; `own` has the fields that the row says."""

    request: SpeechRequest
    own: Mapping[str, Any]


class _Wrong(Exception):
    """Raised, not returned: a cache would keep it, and the cells."""

    def __init__(self, column: str, error: InvalidValue) -> None:
        super().__init__(column)
        self.column, self.error = column, error


class SharedFields:
    """Those of one list."""

    def __init__(
        self,
        campaign: str,
        parsers: Mapping[str, Parser],
        defaults: dict[str, Any],
        style: Style,
        voice: int | Voice | None,
    ) -> None:
        """`defaults`, `style` and `voice`: those of the list's options, by field."""
        self._parsers, self._defaults, self._style, self._voice = parsers, defaults, style, voice
        self._empty: dict[str, Any] = {
            "request_id": "",
            "campaign_id": campaign,
            "text": "",
            "submitted_at": _NEVER,
        }
        # A cached 1 must not stand for 1.0 or True.
        self._cached = lru_cache(maxsize=KEPT, typed=True)(self._parse)

    def of(self, row: int, values: Values, columns: Columns) -> Shared:
        """Return what the cells of a row say. Empty cells say nothing: there the option holds.

        Raises InvalidRow.
        """
        cells = [values.get(name) for name in columns.overriding]
        try:
            return self._shared(columns, cells)
        except _Wrong as wrong:
            raise wrong.error.of_row(row, wrong.column) from None

    def _shared(self, columns: Columns, cells: list[object]) -> Shared:
        try:
            return self._cached(columns, *cells)
        except TypeError:  # no cache can hold an array or an object
            return self._parse(columns, *cells)

    def _parse(self, columns: Columns, *cells: object) -> Shared:
        parsed = dict[str, Any]()
        for name, value in zip(columns.overriding, cells, strict=True):
            if value is None or value == "":
                continue
            try:
                parsed[name] = self._parse_cell(name, value)
            except InvalidValue as error:
                raise _Wrong(name, error) from None
        own = {field: parsed[name] for name, field in columns.fields if name in parsed}
        voice: int | Voice | None = own.pop("voice_seed", self._voice)
        if voice is None:
            raise _Wrong("voice", InvalidValue("a voice", got="nothing"))
        of_voice, style = (
            (voice.fields(), voice.override_style(self._style))
            if isinstance(voice, Voice)
            else ({"voice_seed": voice}, self._style)
        )
        styled = {field: parsed[name] for name, field in columns.style if name in parsed}
        style = replace(style, **styled) if styled else style
        fields = self._empty | self._defaults | of_voice | own | {"style": style}
        return Shared(SpeechRequest(**fields), own)

    def _parse_cell(self, name: str, value: object) -> Any:
        try:
            return self._parsers[name](tuple(value) if isinstance(value, list) else value)
        except TypeError:  # no cache can hold the value: it is a nested array or object
            raise InvalidValue("a single value", got=type(value).__name__) from None
