"""The index of a data frame, as pandas writes it to Parquet.

An index with a name is a column of that name, also where pandas writes no column because the index
is a range of numbers. An index without a name only counts the frame's rows, and is left out.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pyarrow

from seedcast.errors import InvalidInput
from seedcast.producers.rows.rows import check_columns

_UNNAMED = re.compile(r"__index_level_\d+__")  # pandas' name for a level that has none
_Bound = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]


class _Range(msgspec.Struct):
    start: _Bound
    stop: _Bound
    step: _Bound
    name: Any = None


class _Pandas(msgspec.Struct):
    index_columns: list[str | _Range] = []


@dataclass(frozen=True)
class Columns:
    """The columns of a list: those of the file but its unnamed indexes, and a named range."""

    names: tuple[str, ...]
    stored: list[str]
    range: range | None  # the values of the last column, which the file does not store

    def of(self, batch: pyarrow.RecordBatch, first: int) -> pyarrow.RecordBatch:
        """Return the columns of a batch whose first row is `first`, counted from 1."""
        arrays = [batch.column(name) for name in self.stored]
        if self.range is not None:
            numbers = self.range[first - 1 : first - 1 + batch.num_rows]
            arrays.append(pyarrow.array(numbers, pyarrow.int64()))
        return pyarrow.RecordBatch.from_arrays(arrays, names=list(self.names))


def columns_of(path: Path, schema: pyarrow.Schema, rows: int) -> Columns:
    """Return the columns of a Parquet file with so many rows. Raises InvalidInput."""
    names = check_columns(str(path), schema.names)
    stored = [name for name in names if not _UNNAMED.fullmatch(name)]
    found = _named_range(path, schema)
    if found is None or str(found.name) in stored:
        return Columns(_some(path, stored), stored, None)
    return Columns((*stored, str(found.name)), stored, _range(path, found, rows))


def _named_range(path: Path, schema: pyarrow.Schema) -> _Range | None:
    said = (schema.metadata or {}).get(b"pandas", b"{}")
    try:
        index = msgspec.json.decode(said, type=_Pandas).index_columns
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _wrong(path, "what pandas writes of it", str(error)) from error
    ranges = (one for one in index if isinstance(one, _Range))
    return next((one for one in ranges if one.name not in (None, "")), None)


def _range(path: Path, said: _Range, rows: int) -> range:
    """Return the numbers of the rows. Who changes a file's rows may leave the old range in it."""
    if not said.step:
        raise _wrong(path, "a step other than 0", "0")
    numbers = range(said.start, said.stop, said.step)
    if len(numbers) != rows:
        raise _wrong(path, f"a range of {rows:,} numbers, one for each row", f"{len(numbers):,}")
    return numbers


def _some(path: Path, names: list[str]) -> tuple[str, ...]:
    if not names:
        raise InvalidInput(
            f"{path} has no columns",
            expected="a column with a name",
            got="at most an index without a name",
            remedy="name the index, as in df.index.name = 'id'",
        )
    return tuple(names)


def _wrong(path: Path, expected: str, got: str) -> InvalidInput:
    remedy = "write it as a column: df.reset_index().to_parquet(…)"
    return InvalidInput(f"{path}, the index", expected=expected, got=got[:200], remedy=remedy)
