"""Manifests as Parquet, for whoever keeps or queries them: one row a result, in batches, so memory stays flat."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.messages import SpeechResult
from seedcast.errors import InvalidInput, LocalResource

BATCH = 2000  # rows; about 2 MB

_RENDITION = pa.struct(
    [
        ("profile", pa.string()),
        ("uri", pa.string()),
        ("format", pa.string()),
        ("sample_rate", pa.int32()),
        ("duration", pa.float64()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("loudness", pa.float64()),
        ("true_peak", pa.float64()),
        ("snr", pa.float64()),
        ("denoised", pa.bool_()),
        ("trimmed", pa.float64()),
        ("chain_version", pa.int32()),
    ]
)
_RECEIPT = pa.struct(
    [
        ("voice_seed", pa.int64()),
        ("text_digest", pa.string()),
        ("waveform_sha256", pa.string()),
        ("engine_fingerprint", pa.string()),
        ("chain_fingerprint", pa.string()),
        ("draw", pa.int32()),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("campaign_id", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("renditions", pa.list_(_RENDITION), nullable=False),
        pa.field("receipt", _RECEIPT),
        pa.field("error", pa.struct([("code", pa.string()), ("message", pa.string())])),
        pa.field("unspoken", pa.int32(), nullable=False),
        pa.field("metadata", pa.map_(pa.string(), pa.string()), nullable=False),
    ]
)


def write(path: Path, results: Iterable[SpeechResult]) -> int:
    """Writes all results and returns how many; the file appears whole or not at all. Raises LocalResource."""
    unfinished = path.with_name(path.name + ".part")
    try:
        count = _write(unfinished, iter(results))
        os.replace(unfinished, path)
    except OSError as error:
        raise LocalResource(
            f"writing {path}",
            expected="a folder that can be written",
            got=str(error),
            remedy="choose another place",
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def read(path: Path) -> Iterator[SpeechResult]:
    """Raises InvalidInput where the file is not such a Parquet file."""
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
