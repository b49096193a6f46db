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
from seedcast.producers.rows.list_format import TEXTS, ListFormat, format_of
from seedcast.producers.rows.rows import BadRow, Row, Rows
from seedcast.producers.rows.source import Source


def _read_csv(source: Source, options: FileOptions) -> Rows:
    from seedcast.producers.rows.csv_file import read_csv  # loads pyarrow

    return read_csv(source, options)


def _read_tsv(source: Source, options: FileOptions) -> Rows:
    from seedcast.producers.rows.csv_file import read_csv

    return read_csv(source, options, "\t")


def _read_parquet(source: Source, _options: FileOptions) -> Rows:
    from seedcast.producers.rows.parquet import read_parquet  # loads pyarrow

    return read_parquet(source.path)


def _read_workbook(source: Source, options: FileOptions) -> Rows:
    from seedcast.producers.rows.workbook import read_workbook

    return read_workbook(source.path, options)


_READERS: dict[str, Callable[[Source, FileOptions], Rows]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".parquet": _read_parquet,
    ".xlsx": _read_workbook,
}

_OPTIONS = {  # by name, the formats of which they say something
    "delimiter": (".csv", ".tsv"),
    "encoding": TEXTS,
    "sheet": (".xlsx",),
}


def read(path: Path, options: FileOptions = DETECTED) -> Rows:
    """Open a file by its format. Raises InvalidInput, here or while the rows are read."""
    try:
        _require_file(path)
        format_ = format_of(path, options.format)
        _refuse_useless(path, format_, options)
        before = _state(path)
        if path.stat().st_size == 0:
            raise InvalidInput(f"{path} is empty", expected="at least one row", got="0 bytes")
        rows = _READERS[format_.kind](Source(path, format_.packing), options)
    except OSError as error:  # pyarrow raises it, too
        raise InvalidInput(f"{path} cannot be read", got=str(error)) from error
    return replace(rows, rows=_unchanged(path, before, rows.rows))


def _refuse_useless(path: Path, format_: ListFormat, options: FileOptions) -> None:
    """Raises InvalidInput for an option that says nothing about a file of this format."""
    for name, kinds in _OPTIONS.items():
        if getattr(options, name) is not None and format_.kind not in kinds:
            raise InvalidInput(
                f"{path}, option {name}",
                expected=f"none: it is of {', '.join(kinds)}",
                got=repr(getattr(options, name))[:100],
                remedy="leave it out, or read lists of other formats by another command",
            )


def _require_file(path: Path) -> None:
    if path.is_file():
        return
    remedy = ""
    if path.is_dir():
        got, remedy = "a folder", "name a list in it"
    elif path.exists():  # as of `<(zcat list.csv.gz)`
        got = "a pipe or a device, which cannot be read twice"
        remedy = "pipe it, as in: zcat list.csv.gz | seedcast check - --format csv"
    else:
        got = "a link to no file" if path.is_symlink() else "no such file"
    raise InvalidInput(f"{path}", expected="a file", got=got, remedy=remedy)


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
