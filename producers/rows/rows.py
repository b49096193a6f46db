"""What reading a file gives, whatever its format: rows, and rows that could not be read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedcast.errors import InvalidInput, InvalidRow

if TYPE_CHECKING:
    import pyarrow

MAX_COLUMNS = 16_384  # as in Excel
SHOWN = 500  # characters of columns in an error
BLOCK = 1024 * 1024  # bytes read at once; also the longest line

Row = tuple[int, Mapping[str, object]]  # its number in the file, counted from 1; values by column


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read, with its line as it is in the file."""

    error: InvalidRow
    line: str


@dataclass(frozen=True)
class Rows:
    """`columns` is None if each row has its own (JSON Lines)."""

    columns: tuple[str, ...] | None
    rows: Iterator[Row | BadRow]


def check_columns(file: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names as a tuple.

    Raises InvalidInput if one is empty or appears twice, or if they are over MAX_COLUMNS.
    """
    columns = tuple(names)
    if len(columns) > MAX_COLUMNS:
        raise InvalidInput(
            f"{file} has too many columns",
            expected=f"at most {MAX_COLUMNS:,}",
            got=f"{len(columns):,}",
            remedy="keep those that the texts and options need",
        )
    if repeated := sorted(name for name, count in Counter(columns).items() if count > 1):
        raise InvalidInput(
            f"{file}: columns appear twice",
            expected="every column once",
            got=", ".join(map(repr, repeated))[:SHOWN],
            remedy="rename or remove the others in the header",
        )
    if "" in (name.strip() for name in columns):
        raise InvalidInput(
            f"{file}: a column has no name",
            expected="a name for every column",
            got=", ".join(map(repr, columns))[:SHOWN],
            remedy="name it in the header, or remove it",
        )
    return columns


def mappings(columns: tuple[str, ...], batch: "pyarrow.RecordBatch") -> Iterator[dict[str, object]]:
    """Return the rows of a batch, each as its values by column."""
    lists = [column.to_pylist() for column in batch.columns]
    return (dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True))
