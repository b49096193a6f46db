"""Write a campaign's rows as one flat list: a line for each row and profile."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

from seedcast.schemas.messages import STATUSES
from seedcast.storage.export.columns import COLUMNS, STRAY, WAITING, Column, Line, columns
from seedcast.storage.export.files import appearing
from seedcast.storage.export.lines import LineOptions

if TYPE_CHECKING:
    from seedcast.storage.export.own_columns import OwnColumns
    from seedcast.storage.index.indexed import IndexedRequest
    from seedcast.storage.index.reader import Index

Format = Literal["csv", "jsonl", "parquet", "xlsx"]
STREAMED: tuple[Format, ...] = ("csv", "jsonl")  # what can go into a pipe
_PROFILE = [column.name for column in COLUMNS].index("profile")
STEP = 1000  # requests between two reports of progress
MOST_PROFILES = 16  # of a request


class ListFile(Protocol):
    def write(self, line: Line) -> None: ...

    def close(self) -> None:
        """Write what is left; the file itself stays open."""

    def abandon(self) -> None:
        """Let go of what it holds: the file will be removed."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """The requests of a campaign that are asked for, each time in the list's order."""

    read: Callable[[], Iterable["IndexedRequest"]]
    most: int | None = None  # of them, if that is known
    own: "OwnColumns | None" = None


def requests_of(
    index: "Index", campaign_id: str, asked: frozenset[str] = frozenset()
) -> Iterator["IndexedRequest"]:
    """Yield the campaign's rows in the list's order, and strays only if they are asked for.

    `asked`: of columns.ASKED; empty: all rows.
    """
    statuses = [status for status in STATUSES if status in asked]
    wanted = [*statuses, *([None] if WAITING in asked else [])]
    if wanted or not asked:
        yield from index.rows(campaign_id, statuses=wanted if asked else None)
    if STRAY in asked:
        yield from index.strays(campaign_id)


@dataclass
class ExportReport:
    lines: int = 0
    requests: int = 0
    waiting: int = 0  # of them, those without a result
    audio: int = 0  # lines with an audio
    cut: int = 0  # cells that no workbook can hold whole


def export_file(
    source: Source,
    path: Path,
    format_: Format,
    options: LineOptions,
    on_progress: Callable[[int], None] = lambda _: None,
) -> ExportReport:
    """Write the list to a file, which appears whole or not at all.

    `on_progress` is told how many requests are written. Raises InvalidInput if a workbook cannot
    hold it, before anything is written; LocalResource; and what reading raises.
    """
    if format_ == "xlsx":
        _refuse_too_many(source, options)
    with appearing(path) as unfinished, unfinished.open("wb") as file:
        return export_stream(source, file, format_, options, on_progress, mark=True)


def export_stream(
    source: Source,
    file: BinaryIO,
    format_: Format,
    options: LineOptions,
    on_progress: Callable[[int], None] = lambda _: None,
    *,
    mark: bool = False,
) -> ExportReport:
    """Write the list to an open file. `mark`: begin CSV with a byte order mark."""
    own = source.own.columns if source.own else ()
    titles = (*columns(links=options.sign is not None), *own)
    written = _open(file, format_, titles, mark)
    try:
        return _write(source, written, options, on_progress)
    except BaseException:
        written.abandon()
        raise


def _write(
    source: Source, file: ListFile, options: LineOptions, on_progress: Callable[[int], None]
) -> ExportReport:
    report = ExportReport()
    for request, values in _beside(source):
        if report.requests % STEP == 0:
            on_progress(report.requests)
        report.requests += 1
        report.waiting += request.status is None
        for line in options.lines(request):
            report.lines += 1
            report.audio += line[_PROFILE] is not None
            file.write((*line, *values))
    file.close()
    report.cut = getattr(file, "cut", 0)
    return report


def _beside(source: Source) -> Iterator[tuple["IndexedRequest", Line]]:
    if source.own:
        return source.own.beside(source.read())
    return ((request, ()) for request in source.read())


def _open(file: BinaryIO, format_: Format, titles: tuple[Column, ...], mark: bool) -> ListFile:
    """Each format's library is loaded where it is wanted."""
    if format_ == "parquet":
        from seedcast.storage.export.parquet_file import ParquetFile

        return ParquetFile(file, titles)
    if format_ == "xlsx":
        from seedcast.storage.export.workbook import XlsxFile

        return XlsxFile(file, titles)
    from seedcast.storage.export.text_files import CsvFile, JsonLines

    return CsvFile(file, titles, mark=mark) if format_ == "csv" else JsonLines(file, titles)


def _refuse_too_many(source: Source, options: LineOptions) -> None:
    """Raise InvalidInput if a sheet has not as many rows; they are counted only if need be."""
    from seedcast.storage.export.workbook import MAX_ROWS, too_large

    if source.most is not None and source.most * MOST_PROFILES < MAX_ROWS:
        return
    lines = sum(map(options.count, source.read()))
    if lines + 1 > MAX_ROWS:
        raise too_large(f"{lines:,} lines", f"{MAX_ROWS - 1:,} lines below the titles")
