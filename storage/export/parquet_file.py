"""Lists as Parquet, in batches, so that memory stays flat."""

from collections.abc import Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from seedcast.storage.export.cells import text_of
from seedcast.storage.export.columns import Column, Kind, Line

BATCH = 10_000  # lines
_TYPES: dict[Kind, "pa.DataType"] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "moment": pa.timestamp("ms", tz="UTC"),
}


class ParquetFile:
    """Values as they are: nothing here is run, so nothing is made harmless."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._schema = pa.schema([(column.name, _TYPES[column.kind]) for column in columns])
        self._is_text = [column.kind == "text" for column in columns]
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._lines: list[Line] = []

    def write(self, line: Line) -> None:
        self._lines.append(line)
        if len(self._lines) == BATCH:
            self._write_batch()

    def close(self) -> None:
        self._write_batch()
        self._writer.close()

    def abandon(self) -> None:
        self._writer.close()  # it would be closed after its file, which pyarrow complains of

    def _write_batch(self) -> None:
        if not self._lines:
            return
        arrays = [
            pa.array(map(_text, values) if is_text else values, type=field.type)
            for field, is_text, values in zip(
                self._schema, self._is_text, zip(*self._lines, strict=True), strict=True
            )
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._lines.clear()


def _text(value: Any) -> str | None:
    return None if value is None else text_of(value)
