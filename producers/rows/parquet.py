"""Parquet: typed columns, read in batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from seedcast.errors import InvalidInput, InvalidRow
from seedcast.producers.rows.pandas_index import Columns, columns_of
from seedcast.producers.rows.parquet_bounds import expanding_columns, refuse_bombs, weights
from seedcast.producers.rows.rows import BLOCK, BadRow, Row, Rows

BATCH = 2048  # rows
AT_ONCE = 16 * BLOCK  # bytes of rows that are converted together

# Python has no value for strings that are not UTF-8, nor for times of other years or in
# nanoseconds.
_UNREADABLE = (ValueError, OverflowError)


def read_parquet(path: Path) -> Rows:
    """Open a Parquet file. Raises InvalidInput, here or while the rows are read."""
    try:
        with _open(path, []) as file:
            refuse_bombs(path, file.metadata)
            columns = columns_of(path, file.schema_arrow, file.metadata.num_rows)
            _refuse_zones(path, file.schema_arrow)
            expanding = expanding_columns(path, file)
        file = _open(path, expanding)
    except (pyarrow.ArrowInvalid, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is not Parquet", got=str(error)) from error
    return Rows(columns.names, _rows(path, columns, file))


def _refuse_zones(path: Path, schema: pyarrow.Schema) -> None:
    """Raises InvalidInput if a column has times in a zone that nobody knows."""
    for field in schema:
        for zone in _zones(field.type):
            try:
                pyarrow.lib.string_to_tzinfo(zone)
            except (LookupError, ValueError) as error:
                raise InvalidInput(
                    f"{path}, column {field.name!r}",
                    expected="times in a zone of the IANA database, or at an offset",
                    got=repr(zone)[:100],
                    remedy="write the times in UTC",
                ) from error


def _zones(kind: Any) -> Iterator[str]:
    """Yield the time zones of a type, and of what it holds."""
    if pyarrow.types.is_timestamp(kind) and kind.tz:
        yield kind.tz
    if pyarrow.types.is_dictionary(kind):
        yield from _zones(kind.value_type)
    for index in range(kind.num_fields):
        yield from _zones(kind.field(index).type)


def _open(path: Path, as_dictionaries: list[str]) -> pyarrow.parquet.ParquetFile:
    return pyarrow.parquet.ParquetFile(
        path, buffer_size=BLOCK, pre_buffer=False, read_dictionary=as_dictionaries
    )


def _rows(
    path: Path, columns: Columns, file: pyarrow.parquet.ParquetFile
) -> Iterator[Row | BadRow]:
    number = 1
    try:
        with file:
            for batch in file.iter_batches(batch_size=BATCH):
                yield from _rows_of_batch(columns.names, columns.of(batch, number), number)
                number += batch.num_rows
    except (pyarrow.ArrowException, OSError) as error:
        raise InvalidInput(f"{path} is damaged", got=str(error)) from error


def _rows_of_batch(
    columns: tuple[str, ...], batch: pyarrow.RecordBatch, first: int
) -> Iterator[Row | BadRow]:
    """Convert a batch at once, or row by row if it is large or one of its rows unreadable."""
    batch = _shorten_floats(batch)
    sizes = weights(batch).tolist()
    try:
        if max(sizes, default=0) <= BLOCK and sum(sizes) <= AT_ONCE:
            return enumerate(_mappings(columns, batch), first)
    except _UNREADABLE:
        pass  # one by one, to name the row and its column
    return (
        _single_row(columns, batch.slice(index, 1), first + index, size)
        for index, size in enumerate(sizes)
    )


def _mappings(columns: tuple[str, ...], batch: pyarrow.RecordBatch) -> Iterator[dict[str, object]]:
    """Return the rows of a batch, each as its values by column."""
    lists = [_values(column) for column in batch.columns]
    return (dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True))


def _values(column: Any) -> list[object]:
    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        # Where pandas is installed they would be its own times.
        column = column.cast(pyarrow.timestamp("us", column.type.tz))
    return list(column.to_pylist())


def _shorten_floats(batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    """Convert single-precision numbers to the double with the fewest digits that reads the same.

    A plain cast would turn 12.3 into 12.300000190734863.
    """
    for index, field in enumerate(batch.schema):
        if field.type == pyarrow.float32():
            doubles = batch.column(index).cast(pyarrow.string()).cast(pyarrow.float64())
            batch = batch.set_column(index, field.name, doubles)
    return batch


def _single_row(
    columns: tuple[str, ...], row: pyarrow.RecordBatch, number: int, size: int
) -> Row | BadRow:
    if size > BLOCK:
        expected = f"a row of at most {BLOCK:,} bytes"
        return BadRow(InvalidRow(number, "", expected=expected, got=f"{size:,}"), "")
    values: dict[str, object] = {}
    for name, column in zip(columns, row.columns, strict=True):
        try:
            values[name] = _values(column)[0]
        except _UNREADABLE as error:
            expected = "UTF-8, or a time from year 1 to 9999 in microseconds"
            problem = InvalidRow(number, name, expected=expected, got=str(error))
            return BadRow(problem, _undecoded(error))
    return number, values


def _undecoded(error: Exception) -> str:
    """Return the bytes that are not UTF-8, with backslashes; '' for any other error."""
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode("utf-8", "backslashreplace")
    return ""
