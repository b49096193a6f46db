"""What a file gives, whatever its format: rows, and rows that could not be read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow

from seedcast.errors import InvalidInput, InvalidRow

BLOCK = 1024 * 1024  # bytes read at once; also the longest line

Row = tuple[
    int, Mapping[str, object]
]  # the row's number in the file, the first being 1, and its values by column


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read, with the line as it came."""

    error: InvalidRow
    line: str


@dataclass(frozen=True)
class Rows:
    """`columns` is None where each row has its own (JSON Lines)."""

    columns: tuple[str, ...] | None
    rows: Iterator[Row | BadRow]


def check_columns(path: Path, names: Iterable[str]) -> tuple[str, ...]:
    columns = tuple(names)
    if doubled := sorted({name for name in columns if columns.count(name) > 1}):
        raise InvalidInput(
            f"{path}: columns appear twice",
            expected="every column once",
            got=", ".join(map(repr, doubled)),
        )
    if "" in (name.strip() for name in columns):
        raise InvalidInput(
            f"{path}: a column has no name",
            expected="a name for every column",
            got=", ".join(map(repr, columns)),
        )
    return columns


def mappings(columns: tuple[str, ...], batch: pyarrow.RecordBatch) -> Iterator[dict[str, object]]:
    lists = [column.to_pylist() for column in batch.columns]
    return (dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True))
