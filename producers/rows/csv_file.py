"""CSV: every value stays text, and a row with the wrong number of columns is a `BadRow`."""

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow
import pyarrow.csv

from seedcast.errors import InvalidInput
from seedcast.producers.rows.bad_rows import BadRows, collecting, parsing
from seedcast.producers.rows.dialect import Dialect, detect_dialect
from seedcast.producers.rows.encoding import detect
from seedcast.producers.rows.file_options import FileOptions
from seedcast.producers.rows.rows import BLOCK, BadRow, Row, Rows, check_columns, mappings
from seedcast.producers.rows.source import Source
from seedcast.producers.rows.whole_text import WholeText, read_whole

# In one thread: with several, Arrow does not number the rows of the wrong width.
_READING = pyarrow.csv.ReadOptions(block_size=BLOCK, use_threads=False)


def read_csv(source: Source, options: FileOptions, usual: str = ",") -> Rows:
    """Open a CSV file, whose suffix stands for the delimiter `usual`.

    Raises InvalidInput, here or while the rows are read.
    """
    whole = read_whole(detect(source, options.encoding), options.encoding is not None)
    file = _File(whole, detect_dialect(whole.text, options.delimiter, usual))
    columns = _read_header(file)
    if whole.quotes % 2:
        _refuse_open_quote(file, _rows(file, columns))
    return Rows(columns, _closing(whole, _rows(file, columns)))


def _closing(whole: WholeText, rows: Iterator[Row | BadRow]) -> Iterator[Row | BadRow]:
    with closing(whole):
        yield from rows


@dataclass(frozen=True)
class _File:
    whole: WholeText
    dialect: Dialect

    def __str__(self) -> str:
        return str(self.whole.text.path)

    def open(self, columns: tuple[str, ...] = ()) -> Any:
        stream: Any = self.whole.text.open_natively()
        stream.read(self.dialect.skipped)
        return pyarrow.csv.open_csv(
            stream,
            read_options=_READING,
            parse_options=parsing(self.dialect.delimiter),
            convert_options=_as_text(columns),
        )


def _read_header(file: _File) -> tuple[str, ...]:
    try:
        with collecting(BadRows()), file.open() as reader:
            return check_columns(str(file), reader.schema.names)
    except pyarrow.ArrowInvalid as error:
        if "empty" in str(error).lower():
            expected = "a header and at least one row"
            raise InvalidInput(f"{file} has no rows", expected=expected) from error
        raise _malformed(file, error) from error


def _rows(file: _File, columns: tuple[str, ...]) -> Iterator[Row | BadRow]:
    """Yield rows and bad rows in the order of the file."""
    number, bad = 0, BadRows()
    try:
        for batch in _batches(file, columns, bad):
            for values in mappings(columns, batch):
                number += 1
                while bad and bad[0].error.row == number:
                    yield bad.popleft()
                    number += 1
                yield number, values
        yield from bad
    except pyarrow.ArrowInvalid as error:
        raise _malformed(file, error, number) from error


def _batches(file: _File, columns: tuple[str, ...], bad: BadRows) -> Iterator[pyarrow.RecordBatch]:
    with collecting(bad):
        reader = file.open(columns)
    with reader:
        while True:
            with collecting(bad):
                batch = next(reader, None)
            if batch is None:
                return
            yield batch


def _as_text(columns: tuple[str, ...]) -> pyarrow.csv.ConvertOptions:
    """Keep every column as text ('007' is not 7), and an empty cell as ''."""
    return pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(columns, pyarrow.string()),
        null_values=[],
        strings_can_be_null=False,
        check_utf8=False,
    )


def _refuse_open_quote(file: _File, rows: Iterator[Row | BadRow]) -> None:
    """Raises InvalidInput if a quote is open to the end of the file.

    Arrow reads everything from that quote to the end of the file as one value, so all those rows
    would become one text.
    """
    last = next(iter(deque(rows, maxlen=1)), None)
    if last is None:
        raise InvalidInput(
            f"{file} has no rows",
            expected="a header and at least one row",
            got="a quote in the header that is never closed",
        )
    if isinstance(last, BadRow):
        number, is_open = last.error.row, "\n" in last.line and last.line.count('"') % 2 == 1
    else:
        number, is_open = last[0], any("\n" in str(value) for value in last[1].values())
    if is_open:
        raise InvalidInput(
            f"{file}, row {number}",
            expected="a closing quote",
            got="none before the end of the file",
            remedy="write '\"' inside a value as '\"\"'",
        )


def _malformed(file: _File, error: Exception, after: int = 0) -> InvalidInput:
    if "straddling" in str(error):
        return InvalidInput(
            f"{file}, after row {after}",
            expected=f"rows of at most {BLOCK:,} bytes",
            got="a longer one",
            remedy="shorten it, or close a quote that is still open",
        )
    return InvalidInput(f"{file}, after row {after}", expected="CSV with a header", got=str(error))
