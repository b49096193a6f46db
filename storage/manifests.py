"""Manifests as Parquet files: one row per result, in batches, so that memory stays flat.

The columns are the fields of SpeechResult and of the structs within it, in their order. A new field
becomes a column by itself; a field whose type has no column raises TypeError at import.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import inspect

from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Receipt, Rendition, SpeechResult
from seedcast.storage.export.files import appearing

BATCH = 2000  # rows; about 2 MB

# A struct's `int` does not say its width. Its column is int64, except for these.
_INT32 = {
    (Rendition, "sample_rate"),
    (Rendition, "chain_version"),
    (Receipt, "draw"),
    (SpeechResult, "unspoken"),
}


def result_schema(result: type[msgspec.Struct] = SpeechResult) -> pa.Schema:
    """Return the Arrow schema of a struct: a column is nullable if its field may be None.

    Fields of nested structs are all nullable, as they are in the files that exist.
    Raises TypeError for a field whose type has no column.
    """
    return pa.schema(
        pa.field(name, column, nullable=optional) for name, column, optional in _columns(result)
    )


def write(path: Path, results: Iterable[SpeechResult]) -> int:
    """Write all results and return how many there were.

    The file appears whole or not at all. Raises LocalResource.
    """
    with appearing(path) as unfinished:
        return _write(unfinished, iter(results))


def read(path: Path) -> Iterator[SpeechResult]:
    """Yield the results of a file. Raises InvalidInput if it is not a Parquet file of manifests."""
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH):
                for row in batch.to_pylist():
                    yield msgspec.convert(row | {"metadata": dict(row["metadata"])}, SpeechResult)
    except (OSError, pa.ArrowException, KeyError, msgspec.ValidationError) as error:
        raise InvalidInput(
            f"reading {path}",
            expected="manifests in Parquet, as `seedcast results --parquet` writes them",
            got=str(error),
        ) from error


def _columns(struct: type[msgspec.Struct]) -> Iterator[tuple[str, pa.DataType, bool]]:
    """Yield the name, the type and "may be None" of each field, in the struct's order."""
    info = cast(inspect.StructType, inspect.type_info(struct))
    for field in info.fields:
        type_, optional = _without_none(field.type)
        try:
            column = pa.int32() if (struct, field.name) in _INT32 else _column_type(type_)
        except TypeError as error:
            raise TypeError(f"{struct.__name__}.{field.name}: {error}") from error
        yield field.encode_name, column, optional


def _without_none(type_: inspect.Type) -> tuple[inspect.Type, bool]:
    """Return the type without None, and True if None was allowed."""
    if not isinstance(type_, inspect.UnionType):
        return type_, False
    others = [other for other in type_.types if not isinstance(other, inspect.NoneType)]
    if len(others) != 1 or len(others) == len(type_.types):
        return type_, False
    return others[0], True


def _column_type(type_: inspect.Type) -> pa.DataType:
    match type_:
        case inspect.Metadata(type=inner):  # a description or the like around the type
            return _column_type(inner)
        case inspect.StrType():
            return pa.string()
        case inspect.LiteralType(values=values) if all(isinstance(value, str) for value in values):
            return pa.string()
        case inspect.IntType():
            return pa.int64()
        case inspect.FloatType():
            return pa.float64()
        case inspect.BoolType():
            return pa.bool_()
        case inspect.StructType(cls=struct):
            return pa.struct([(name, column) for name, column, _ in _columns(struct)])
        case inspect.VarTupleType(item_type=item):
            return pa.list_(_column_type(item))
        case inspect.DictType(key_type=key, value_type=value):
            return pa.map_(_column_type(key), _column_type(value))
    raise TypeError(f"no Parquet column for {type_}; add its type to storage/manifests.py")


SCHEMA = result_schema()


def _write(path: Path, results: Iterator[SpeechResult]) -> int:
    count = 0
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        while rows := [_row(result) for result in islice(results, BATCH)]:
            writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
            count += len(rows)
    return count


def _row(result: SpeechResult) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(result)
    return row | {"metadata": list(result.metadata.items())}
