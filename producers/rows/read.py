"""Files to rows, in batches, so that memory does not grow with the file.

A wrong row is a value (`BadRow`), and the rows after it are read. A file that is wrong as a whole
raises InvalidInput, before its first row as far as possible.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from seedcast.errors import InvalidInput
from seedcast.producers.rows.file_options import DETECTED, FileOptions
from seedcast.producers.rows.json_lines import read_json_lines
from seedcast.producers.rows.rows import BadRow, Row, Rows
from seedcast.producers.rows.source import PACKINGS, Source


def _read_csv(source: Source, options: FileOptions) -> Rows:
    from seedcast.producers.rows.csv_file import read_csv  # loads pyarrow

    return read_csv(source, options)


def _read_tsv(source: Source, options: FileOptions) -> Rows:
    from seedcast.producers.rows.csv_file import read_csv

    return read_csv(source, options, "\t")


def _read_parquet(path: Path, _options: FileOptions) -> Rows:
    from seedcast.producers.rows.parquet import read_parquet  # loads pyarrow

    return read_parquet(path)


def _read_workbook(path: Path, options: FileOptions) -> Rows:
    from seedcast.producers.rows.workbook import read_workbook

    return read_workbook(path, options)


_TEXTS: dict[str, Callable[[Source, FileOptions], Rows]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
}
_OTHERS: dict[str, Callable[[Path, FileOptions], Rows]] = {
    ".parquet": _read_parquet,
    ".xlsx": _read_workbook,
}
SUFFIXES = (*_TEXTS, *_OTHERS)


def read(path: Path, options: FileOptions = DETECTED) -> Rows:
    """Open a file by its suffix. Raises InvalidInput, here or while the rows are read."""
    reader = _reader(path, options)
    if not path.is_file():
        got = "a folder" if path.is_dir() else "no such file"
        raise InvalidInput(f"{path}", expected="a file", got=got)
    try:
        before = _state(path)
        if path.stat().st_size == 0:
            raise InvalidInput(f"{path} is empty", expected="at least one row", got="0 bytes")
        rows = reader()
    except OSError as error:  # pyarrow raises it, too
        raise InvalidInput(f"{path} cannot be read", got=str(error)) from error
    return replace(rows, rows=_unchanged(path, before, rows.rows))


def _reader(path: Path, options: FileOptions) -> Callable[[], Rows]:
    packing = path.suffix.lower() if path.suffix.lower() in PACKINGS else ""
    kind = Path(path.stem).suffix.lower() if packing else path.suffix.lower()
    if text := _TEXTS.get(kind):
        return lambda: text(Source(path, packing), options)
    if not packing and (other := _OTHERS.get(kind)):
        return lambda: other(path, options)
    raise InvalidInput(
        f"{path}",
        expected=f"a file ending in {', '.join(SUFFIXES)}; text also with {' or '.join(PACKINGS)}",
        got=(kind + packing) or "no suffix",
        remedy=_REMEDIES.get(kind, ""),
    )


_REMEDIES = dict.fromkeys(
    (".xls", ".xlsm", ".xlsb", ".ods"), "save it as .xlsx, without macros, or as .csv"
)


def _state(path: Path) -> tuple[int, ...]:
    """Return what changes with a file's content."""
    state = os.stat(path)
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def _unchanged(
    path: Path, before: tuple[int, ...], rows: Iterator[Row | BadRow]
) -> Iterator[Row | BadRow]:
    """Yield the rows. Raises InvalidInput if the file is not the same at their end."""
    try:
        yield from rows
    except InvalidInput as error:
        _refuse_change(path, before, error)
        raise
    except OSError as error:
        _refuse_change(path, before, error)
        raise InvalidInput(f"{path} cannot be read", got=str(error)) from error
    _refuse_change(path, before)


def _refuse_change(path: Path, before: tuple[int, ...], cause: Exception | None = None) -> None:
    try:
        after: tuple[int, ...] = _state(path)
    except OSError:
        after = ()
    if after != before:
        raise InvalidInput(
            f"{path} changed while it was read",
            expected="a file that nobody writes to",
            got="another size or time of change" if after else "no such file any more",
            remedy="wait until it is written, then run the same command again",
        ) from cause
