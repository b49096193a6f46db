"""Parquet: typed columns, in batches."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet

from producers.rows.rows import BLOCK, BadRow, Row, Rows, check_columns, mappings
from seedcast.errors import InvalidInput, InvalidRow

BATCH = 2048  # rows

# What Python has no value for: strings that are not UTF-8, times of other years or in nanoseconds.
_UNREADABLE = (ValueError, OverflowError)


def read_parquet(path: Path) -> Rows:
    try:
        file = pyarrow.parquet.ParquetFile(path, buffer_size=BLOCK, pre_buffer=False)
        names = file.schema_arrow.names
    except (pyarrow.ArrowInvalid, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is not Parquet", got=str(error)) from error
    columns = check_columns(path, names)
    return Rows(columns, _rows(path, columns, file))


def _rows(
    path: Path, columns: tuple[str, ...], file: pyarrow.parquet.ParquetFile
) -> Iterator[Row | BadRow]:
    number = 1
    try:
        with file:
            for batch in file.iter_batches(batch_size=BATCH):
                yield from _batch(columns, batch, number)
                number += batch.num_rows
    except (pyarrow.ArrowException, OSError) as error:
        raise InvalidInput(f"{path} is damaged", got=str(error)) from error


def _batch(
    columns: tuple[str, ...], batch: pyarrow.RecordBatch, first: int
) -> Iterator[Row | BadRow]:
    batch = _shortest(batch)
    try:
        return enumerate(mappings(columns, batch), first)
    except _UNREADABLE:  # a row of it
        return (
            _alone(columns, batch.slice(index, 1), first + index) for index in range(batch.num_rows)
        )


def _shortest(batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    """A number of single precision as the one that is written with the fewest digits: 12.3 would become 12.300000190734863."""
    for place, field in enumerate(batch.schema):
        if field.type == pyarrow.float32():
            batch = batch.set_column(
                place,
                field.name,
                batch.column(place).cast(pyarrow.string()).cast(pyarrow.float64()),
            )
    return batch


def _alone(columns: tuple[str, ...], row: pyarrow.RecordBatch, number: int) -> Row | BadRow:
    values: dict[str, object] = {}
    for name, column in zip(columns, row.columns, strict=True):
        try:
            values[name] = column[0].as_py()
        except _UNREADABLE as error:
            came = (
                error.object.decode("utf-8", "backslashreplace")
                if isinstance(error, UnicodeDecodeError)
                else ""
            )
            return BadRow(
                InvalidRow(
                    number,
                    name,
                    expected="UTF-8, or a time from year 1 to 9999 in microseconds",
                    got=str(error),
                ),
                came,
            )
    return number, values
