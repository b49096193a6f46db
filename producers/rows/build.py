"""A row and its list's options become a request, or an error that names what is wrong. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from seedcast.catalog.lexicon import Lexicon
from seedcast.catalog.profiles import Profiles
from seedcast.catalog.voices import NONE, STYLE, Voice, Voices
from seedcast.errors import InvalidInput, InvalidRow
from seedcast.producers.rows import values as cells
from seedcast.producers.rows.columns import (
    FIELDS,
    METADATA,
    VOICE,
    Columns,
    columns_of,
    refuse_missing,
)
from seedcast.producers.rows.content import check_request
from seedcast.producers.rows.parsers import Parser, parsers
from seedcast.producers.rows.request_ids import RequestIds, campaign_id
from seedcast.producers.rows.shared_fields import SharedFields
from seedcast.producers.rows.template import Values
from seedcast.producers.rows.texts import Texts
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.staging.options import SubmitOptions
from seedcast.schemas.messages import SpeechRequest, Style

MAX_METADATA = 32  # entries of a request, the row's number and id among them


class Builder:
    """Builds the requests of one list."""

    def __init__(
        self,
        options: SubmitOptions,
        created_at: datetime,
        profiles: Profiles,
        columns: tuple[str, ...] | None = None,
        voices: Voices = NONE,
        lexicon: Lexicon | None = None,
        name: str = "the list",
    ) -> None:
        """Raises InvalidInput if an option, or the columns of the whole file, are wrong.

        `created_at`: when the campaign was opened; a deadline given as a duration counts from it.
        `columns`: those of the file; None if each row has its own.
        `lexicon`: the list's own; the deployment's is the engine's. `name`: the list's, for people.
        """
        self._campaign, self._id_column = campaign_id(options.campaign), options.id_column
        self._request_ids = RequestIds(self._campaign)
        self._profiles = frozenset(profiles)
        self._parsers = parsers(created_at, self._profiles, voices)
        self._voice_column = options.voice_column
        if self._voice_column is not None:
            _refuse_meaning(self._voice_column)
            self._parsers[self._voice_column] = self._parsers["voice"]
        self._columns = self._meanings(columns) if columns else None
        self._defaults = self._default_fields(options)
        self._texts = Texts(options.template, self._defaults, lexicon)
        self._voice: int | Voice | None = _option("voice", self._parsers["voice"], options.voice)
        style = self._default_style(options.style)
        self._shared = SharedFields(
            self._campaign, self._parsers, self._defaults, style, self._voice
        )
        if isinstance(self._voice, Voice) and options.speaker is not None:
            raise InvalidInput(
                "option speaker",
                expected="a named voice or a speaker, not both",
                got=f"both, with voice {self._voice.name}",
            )
        self.deadline: datetime | None = self._defaults.get("deadline")
        if columns is not None:
            self._check_columns(name, columns)

    def build(
        self, row: int, values: Values | SpeechRequest, submitted_at: datetime
    ) -> SpeechRequest:
        """Return the request of the row with this number. Raises InvalidRow.

        A request that the caller made is checked and returned unchanged. A deadline in the past
        is no error here: the row may have been accepted when it was still ahead.
        """
        if isinstance(values, SpeechRequest):
            return check_request(row, values, self._campaign, self._profiles)
        columns = self._columns or self._columns_of_row(row, values)
        shared = self._shared.of(row, values, columns)
        identity, metadata = self._identify(row, values, columns.metadata)
        text, is_markup = self._texts.build(row, values, shared.own)
        return replace(
            shared.request,
            request_id=self._request_ids.derive(identity),
            text=text,
            text_format="markup" if is_markup else msgspec.UNSET,
            submitted_at=submitted_at,
            metadata=metadata,
        )

    def _default_fields(self, options: SubmitOptions) -> dict[str, Any]:
        chosen = {
            "speaker": options.speaker,
            "speed": options.speed,
            "profiles": tuple(options.profiles),
            "deadline": options.deadline,
            "priority": options.priority,
            "text_format": None if options.text_format == "plain" else options.text_format,
            "locale": options.locale,
        }
        return {
            FIELDS[name]: _option(name, self._parsers[name], value)
            for name, value in chosen.items()
            if value is not None
        }

    def _default_style(self, style: Style) -> Style:
        chosen: dict[str, object] = msgspec.to_builtins(style)
        return Style(
            **{
                STYLE[name]: _option(name, self._parsers[name], value)
                for name, value in chosen.items()
            }
        )

    def _check_columns(self, list_name: str, columns: tuple[str, ...]) -> None:
        """Raises InvalidInput if a column has an impossible name, or a needed one is missing.

        With a template column every row brings its own variables, so each row is checked instead.
        """
        if self._columns and self._columns.invalid:
            name, error = self._columns.invalid
            raise error.of_input(f"{list_name}, column {name}")
        named = (self._id_column, self._voice_column)
        needed = [column for column in named if column is not None]
        has_voices = self._voice_column is not None or "voice_seed" in columns
        if self._voice is None and not has_voices:
            needed.append("voice")
        if "template" not in columns:
            needed += self._texts.columns
        refuse_missing(list_name, needed, columns)

    def _meanings(self, columns: tuple[str, ...]) -> Columns:
        return Columns(columns, self._id_column is not None, self._voice_column)

    def _columns_of_row(self, row: int, values: Values) -> Columns:
        if not isinstance(values, Mapping):
            raise InvalidRow(
                row, "", expected="a mapping or a SpeechRequest", got=type(values).__name__
            )
        columns = columns_of(tuple(values), self._id_column is not None, self._voice_column)
        if columns.invalid:
            name, error = columns.invalid
            raise error.of_row(row, name)
        return columns

    def _identify(
        self, row: int, values: Values, columns: tuple[str, ...]
    ) -> tuple[str, dict[str, str]]:
        """Return the row's identity (its id, or else its number) and its metadata."""
        metadata = {
            name[len(METADATA) :]: _metadata_text(row, name, value)
            for name in columns
            if (value := values.get(name)) is not None
        }
        metadata["row"] = identity = str(row)
        if self._id_column is not None:
            metadata["id"] = identity = _row_id(row, self._id_column, values)
        if len(metadata) > MAX_METADATA:
            raise InvalidRow(
                row, METADATA + "*", expected="at most 30 columns", got=str(len(metadata))
            )
        return identity, metadata


def _refuse_meaning(column: str) -> None:
    """Raises InvalidInput if a column that shall have the voices has another meaning."""
    if FIELDS.get(column, VOICE) != VOICE or column in (*STYLE, "text", "template"):
        raise InvalidInput(
            "option voice_column",
            expected="a column that has no other meaning",
            got=repr(column),
            remedy="rename it in the header",
        )


def _option(name: str, parser: Parser, value: object) -> Any:
    """Parse an option; None if it is not given. Raises InvalidInput."""
    if value is None:
        return None
    try:
        return parser(value)
    except InvalidValue as error:
        raise error.of_input(f"option {name}") from None


def _metadata_text(row: int, name: str, value: object) -> str:
    try:
        return cells.to_text(value)
    except InvalidValue as error:
        raise error.of_row(row, name) from None


def _row_id(row: int, column: str, values: Values) -> str:
    try:
        return cells.row_id(values.get(column))
    except InvalidValue as error:
        raise error.of_row(row, column) from None
