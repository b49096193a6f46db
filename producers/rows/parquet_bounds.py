"""How large a Parquet file may unpack: 500 bytes of it may stand for gigabytes.

A column's pages may be compressed thousands of times, one dictionary value may stand in every row,
and one cell may be a list of millions. What a file says of itself is checked before it is read;
values stay in their dictionaries until the rows that use them have been weighed.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute
import pyarrow.parquet
from pyarrow import types

from seedcast.errors import InvalidInput
from seedcast.producers.rows.bounds import ALWAYS, MIB, most_unpacked

CELL = 64 * 1024  # bytes that a value may have on the average of a row group over ALWAYS
ITEMS = 1024  # values in a row's list, on the average of a row group
WORD = 16 * 1024  # bytes of a dictionary's word that any number of rows of a batch may name
ENTRY = 16  # bytes that a value counts at least

_TEXTS = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)

Weights = npt.NDArray[np.int64]


def refuse_bombs(path: Path, metadata: pyarrow.parquet.FileMetaData) -> None:
    """Raises InvalidInput if the file would unpack to far more than it is."""
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            where = f"{path}, column {column.path_in_schema!r}"
            limit = min(
                most_unpacked(column.total_compressed_size),
                ALWAYS + CELL * column.num_values,
            )
            if column.total_uncompressed_size > limit:
                raise InvalidInput(
                    where,
                    expected=f"at most {limit:,} bytes unpacked in a row group",
                    got=f"{column.total_uncompressed_size:,}",
                    remedy="write shorter cells, or smaller row groups",
                )
            if column.num_values > max(ITEMS * group.num_rows, MIB):
                raise InvalidInput(
                    where,
                    expected=f"lists of at most {ITEMS:,} values",
                    got=f"{column.num_values:,} values in {group.num_rows:,} rows",
                )


def expanding_columns(path: Path, file: pyarrow.parquet.ParquetFile) -> list[str]:
    """Return the columns whose rows may be far larger than their pages, to be read as dictionaries.

    Those are the columns with a long word in a dictionary, and text inside lists. The others are
    read as they are: a dictionary of distinct texts would grow with the row group.
    """
    every = map(file.schema.column, range(len(file.schema)))
    texts = [
        column.path
        for column in every
        if column.physical_type == "BYTE_ARRAY" and column.logical_type.type != "DECIMAL"
    ]
    flat = set(file.schema_arrow.names)
    return [name for name in texts if name not in flat or _longest_word(path, name) > WORD]


def _longest_word(path: Path, column: str) -> int:
    """Return the bytes of the longest word in the dictionary pages of a column."""
    with pyarrow.parquet.ParquetFile(path, pre_buffer=False, read_dictionary=[column]) as file:
        groups = range(file.num_row_groups)
        return max((_longest_of(file, group, column) for group in groups), default=0)


def _longest_of(file: pyarrow.parquet.ParquetFile, group: int, column: str) -> int:
    first = next(file.iter_batches(1, row_groups=[group], columns=[column]), None)
    if first is None:  # a group without rows
        return 0
    words: Any = first.column(0)
    longest = pyarrow.compute.max(pyarrow.compute.binary_length(words.dictionary)).as_py()
    return int(longest or 0)


def weights(batch: pyarrow.RecordBatch) -> Weights:
    """Return about how many bytes each row takes once its values are Python's."""
    return sum(map(_weights, batch.columns), np.zeros(batch.num_rows, np.int64))


def _weights(column: Any) -> Weights:
    kind = column.type
    if types.is_dictionary(kind):
        lengths = pyarrow.compute.binary_length(column.dictionary)
        return _filled(lengths.take(column.indices))
    if any(is_kind(kind) for is_kind in _TEXTS):
        return _filled(pyarrow.compute.binary_length(column))
    if types.is_struct(kind):
        return sum(map(_weights, column.flatten()), np.zeros(len(column), np.int64))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        return _sums(column)
    return np.full(len(column), max(ENTRY, column.nbytes // max(1, len(column))), np.int64)


def _filled(lengths: Any) -> Weights:
    numbers = lengths.cast(pyarrow.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return np.asarray(numbers + ENTRY, np.int64)


def _sums(column: Any) -> Weights:
    values = column.keys if types.is_map(column.type) else column.values
    each = _weights(values)
    if types.is_map(column.type):
        each = each + _weights(column.items)
    ends = np.concatenate(([0], np.cumsum(each)))
    offsets = column.offsets.to_numpy(zero_copy_only=False)
    return np.asarray(ends[offsets[1:]] - ends[offsets[:-1]] + ENTRY, np.int64)
