"""The first rows of a list, and what would be said of them, for who is choosing its options.

The rest of the list is not read: what is wrong with it, a check tells.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from seedcast.catalog import profiles, voices
from seedcast.errors import InvalidInput, InvalidRow
from seedcast.printing import visible
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.file_options import FileOptions
from seedcast.producers.rows.list_format import format_of
from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BadRow, Row
from seedcast.producers.rows.values import printable
from seedcast.producers.staging.list_job import ListOptions
from seedcast.producers.staging.options import SubmitOptions
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings

SHOWN = 5  # rows
CELL, COLUMNS = 200, 100  # characters of a cell, and columns, that are shown


class PreviewJob(Struct, frozen=True, kw_only=True):
    """One line of JSON on the process's standard input, whose end then ends the process."""

    uri: str  # of the list
    filename: str  # for people, and by its suffix for the format
    memory: int  # MiB
    options: ListOptions


class PreviewRow(Struct, frozen=True, kw_only=True):
    """A row, and what would be said of it, or else what is wrong with it."""

    row: int
    values: tuple[str, ...] = ()  # of each column; () if it could not be read
    text: str | None = None
    spoken: str | None = None  # the words of the text
    voice_seed: int | None = None
    speaker: str | None = None
    speed: float = 1.0
    field: str = ""
    expected: str = ""
    got: str = ""


class ListPreview(Struct, frozen=True, kw_only=True):
    """`unreadable`: why there are no rows. `problem`: what is wrong with the options."""

    columns: tuple[str, ...] = ()
    rows: tuple[PreviewRow, ...] = ()
    unreadable: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Preview:
    settings: Settings
    name: str  # of the list, for people
    options: SubmitOptions
    said: Callable[[SpeechRequest], str]  # the words of a text

    def of(self, path: Path) -> ListPreview:
        """Read the first rows. What is wrong with them or with the options is told as values."""
        try:
            listed = read(path, self._file_options())
            first = list(islice(listed.rows, SHOWN))
        except InvalidInput as error:
            return ListPreview(unreadable=str(error).replace(str(path), self.name))
        columns = listed.columns or _columns(row for row in first if not isinstance(row, BadRow))
        columns = columns[:COLUMNS]
        shown = ListPreview(
            columns=tuple(map(visible, columns)), rows=tuple(_shown(row, columns) for row in first)
        )
        return self._spoken(shown, listed.columns, first)

    def _file_options(self) -> FileOptions:
        """Return how the file is read: the name tells its format, since its copy has another.

        Raises InvalidInput.
        """
        found = format_of(Path(self.name), self.options.format)
        format_ = f"{found.kind}{found.packing}".removeprefix(".")
        return dataclasses.replace(self.options.file_options, format=format_)

    def _spoken(
        self, shown: ListPreview, columns: tuple[str, ...] | None, first: list[Row | BadRow]
    ) -> ListPreview:
        now = datetime.now(UTC)
        try:
            builder = Builder(
                self.options,
                now,
                profiles.load(self.settings.postprocess),
                columns,
                voices.load(self.settings),
                name=self.name,
            )
        except InvalidInput as error:
            return replace(shown, problem=str(error))
        rows = zip(shown.rows, first, strict=True)
        return replace(shown, rows=tuple(self._said(builder, now, row, came) for row, came in rows))

    def _said(
        self, builder: Builder, now: datetime, row: PreviewRow, came: Row | BadRow
    ) -> PreviewRow:
        if isinstance(came, BadRow):
            return row
        try:
            request = builder.build(*came, now)
        except InvalidRow as error:
            return _wrong(row, error)
        return replace(
            row,
            text=request.text,
            spoken=self.said(request),
            voice_seed=request.voice_seed,
            speaker=request.speaker,
            speed=request.speed,
        )


def _columns(rows: Iterable[Row]) -> tuple[str, ...]:
    names = (name for _, values in rows for name in values)
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _shown(row: Row | BadRow, columns: tuple[str, ...]) -> PreviewRow:
    if isinstance(row, BadRow):
        return _wrong(PreviewRow(row=row.error.row), row.error)
    number, values = row
    return PreviewRow(row=number, values=tuple(_cell(values, name) for name in columns))


def _cell(values: Mapping[str, object], name: str) -> str:
    if (value := values.get(name)) is None:
        return ""
    text = value if isinstance(value, str) else printable(value)
    return visible(text[:CELL]) + ("…" if len(text) > CELL else "")


def _wrong(row: PreviewRow, error: InvalidRow) -> PreviewRow:
    return replace(row, field=error.field, expected=error.expected, got=error.got)
