"""CSV: every value stays text, and a row with the wrong number of columns is a `BadRow`."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow
import pyarrow.csv

from seedcast.errors import InvalidInput, InvalidRow
from seedcast.producers.rows.encoding import count_quotes
from seedcast.producers.rows.rows import BLOCK, BadRow, Row, Rows, check_columns, mappings

# In one thread: with several, Arrow does not number the rows of the wrong width.
_READING = pyarrow.csv.ReadOptions(block_size=BLOCK, use_threads=False)


def read_csv(path: Path) -> Rows:
    """Open a CSV file. Raises InvalidInput, here or while the rows are read."""
    quotes = count_quotes(path)
    columns = _read_header(path)
    if quotes % 2:
        _refuse_open_quote(path, _rows(path, columns))
    return Rows(columns, _rows(path, columns))


def _read_header(path: Path) -> tuple[str, ...]:
    try:
        with pyarrow.csv.open_csv(
            path, read_options=_READING, parse_options=_BadRows().parsing
        ) as reader:
            return check_columns(path, reader.schema.names)
    except pyarrow.ArrowInvalid as error:
        if "empty" in str(error).lower():
            expected = "a header and at least one row"
            raise InvalidInput(f"{path} has no rows", expected=expected) from error
        raise _malformed(path, error) from error


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row | BadRow]:
    """Yield rows and bad rows in the order of the file."""
    number, bad = 0, _BadRows()
    try:
        with pyarrow.csv.open_csv(
            path,
            read_options=_READING,
            parse_options=bad.parsing,
            convert_options=_as_text(columns),
        ) as reader:
            for batch in reader:
                for values in mappings(columns, batch):
                    number += 1
                    while bad.found and bad.found[0].error.row == number:
                        yield bad.found.popleft()
                        number += 1
                    yield number, values
            yield from bad.found
    except pyarrow.ArrowInvalid as error:
        raise _malformed(path, error, number) from error


@dataclass
class _BadRows:
    """Collects the rows of the wrong width, which Arrow leaves out of its batches."""

    found: deque[BadRow] = field(default_factory=deque)

    @property
    def parsing(self) -> pyarrow.csv.ParseOptions:
        """A quoted value may contain line feeds."""
        return pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=self._add)

    def _add(self, row: pyarrow.csv.InvalidRow) -> Literal["skip"]:
        number = (row.number or 0) - 1  # Arrow counts the header; None only if it uses threads
        expected = f"{row.expected_columns} columns"
        error = InvalidRow(number, "", expected=expected, got=str(row.actual_columns))
        self.found.append(BadRow(error, row.text))
        return "skip"


def _as_text(columns: tuple[str, ...]) -> pyarrow.csv.ConvertOptions:
    """Keep every column as text ('007' is not 7), and an empty cell as ''."""
    return pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(columns, pyarrow.string()),
        null_values=[],
        strings_can_be_null=False,
        check_utf8=False,
    )


def _refuse_open_quote(path: Path, rows: Iterator[Row | BadRow]) -> None:
    """Raises InvalidInput if a quote is open to the end of the file.

    Arrow reads everything from that quote to the end of the file as one value, so all those rows
    would become one text.
    """
    last = next(iter(deque(rows, maxlen=1)), None)
    if last is None:
        raise InvalidInput(
            f"{path} has no rows",
            expected="a header and at least one row",
            got="a quote in the header that is never closed",
        )
    if isinstance(last, tuple) and any("\n" in str(value) for value in last[1].values()):
        raise InvalidInput(
            f"{path}, row {last[0]}",
            expected="a closing quote",
            got="none before the end of the file",
            remedy="write '\"' inside a value as '\"\"'",
        )


def _malformed(path: Path, error: Exception, after: int = 0) -> InvalidInput:
    if "straddling" in str(error):
        return InvalidInput(
            f"{path}, after row {after}",
            expected=f"rows of at most {BLOCK:,} bytes",
            got="a longer one",
            remedy="shorten it, or close a quote that is still open",
        )
    return InvalidInput(f"{path}, after row {after}", expected="CSV with a header", got=str(error))
