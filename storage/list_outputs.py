"""What the end of a list is written down in, beside the list: for each row what it got, or why not.

The bytes follow from the rows alone, so that whoever writes them again writes the same: with the
same version of pyarrow, whose name is in its files.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import UNSET

from seedcast.failpoints import failpoint
from seedcast.schemas.messages import Campaign, Output, Outputs, Rendition, SpeechResult
from seedcast.schemas.rights import OUTPUTS
from seedcast.storage.export.lines import own_id
from seedcast.storage.index.indexed import IndexedRequest
from seedcast.storage.index.values import bounded, small
from seedcast.storage.objects import ObjectStore
from seedcast.storage.output_summary import Summary
from seedcast.storage.staged_lists import FOLDER, folder, part_name, staged_of

BATCH = 10_000  # requests in memory, and in a row group
_FIELDS: list["pa.Field[Any]"] = [
    pa.field("row", pa.int64(), nullable=False),
    pa.field("id", pa.string()),
    pa.field("request_id", pa.string(), nullable=False),
    pa.field("status", pa.string(), nullable=False),
    pa.field("error_code", pa.string()),
    pa.field("error", pa.string()),
    pa.field("ended_at", pa.timestamp("ms", tz="UTC"), nullable=False),
    pa.field("unspoken", pa.int32(), nullable=False),
    pa.field("voice_seed", pa.int64()),
    pa.field("draw", pa.int32()),
    pa.field("engine_fingerprint", pa.string()),
    pa.field("chain_fingerprint", pa.string()),
    pa.field("waveform_sha256", pa.string()),
    pa.field("profile", pa.string()),
    pa.field("uri", pa.string()),
    pa.field("format", pa.string()),
    pa.field("sample_rate", pa.int32()),
    pa.field("duration", pa.float64()),
    pa.field("bytes", pa.int64()),
    pa.field("sha256", pa.string()),
    pa.field("loudness", pa.float64()),
    pa.field("true_peak", pa.float64()),
    pa.field("snr", pa.float64()),
    pa.field("denoised", pa.bool_()),
    pa.field("trimmed", pa.float64()),
    pa.field("chain_version", pa.int32()),
]
SCHEMA = pa.schema(_FIELDS)
_RENDITION = Rendition.__struct_fields__  # the last columns, in their order
_TYPES = ("application/vnd.apache.parquet", "application/jsonl", "application/json")


class IncompleteList(Exception):
    """The index does not have the whole list, each request with its result."""


def output_key(campaign: str, name: str) -> str:
    return f"{FOLDER}/{campaign}/{name}"


def write_outputs(
    store: ObjectStore, campaign: Campaign, requests: Iterable[IndexedRequest]
) -> Outputs:
    """Store the objects, each replacing an earlier one; return what the record says of them.

    `requests`: the whole list in its order, each with its result. Memory stays flat.
    Raises StoreUnavailable; IncompleteList, before anything is stored, if a request or its result
    is not there.
    """
    with (
        tempfile.TemporaryFile() as results,
        tempfile.TemporaryFile() as errors,
        tempfile.TemporaryFile() as summary,
    ):
        _fill(results, errors, summary, campaign, iter(requests))
        files = zip(OUTPUTS, (results, errors, summary), _TYPES, strict=True)
        stored = [_stored(store, campaign, *each) for each in files]
    return Outputs(results=stored[0], errors=stored[1], summary=stored[2])


def missing_outputs(store: ObjectStore, campaigns: Iterable[Campaign]) -> list[Campaign]:
    """Return the campaigns whose record names an object that is not there, though the list is.

    What deletes lists after a while deletes their outputs a little later, and that for good.
    Raises StoreUnavailable.
    """
    ended = [each for each in campaigns if each.outputs is not UNSET]
    if not ended:
        return []
    sizes = {info.key: info.size for info in store.list(f"{FOLDER}/")}
    return [each for each in ended if _is_listed(sizes, each) and not _is_whole(sizes, each)]


def _is_listed(sizes: Mapping[str, int], campaign: Campaign) -> bool:
    return folder(campaign.campaign_id, staged_of(campaign).staging) + part_name(0) in sizes


def _is_whole(sizes: Mapping[str, int], campaign: Campaign) -> bool:
    outputs = campaign.outputs
    return isinstance(outputs, Outputs) and all(
        sizes.get(output_key(campaign.campaign_id, each.name)) == each.bytes
        for each in (outputs.results, outputs.errors, outputs.summary)
    )


def _fill(
    results: BinaryIO,
    errors: BinaryIO,
    summary: BinaryIO,
    campaign: Campaign,
    requests: Iterator[IndexedRequest],
) -> None:
    counts, number = Summary(campaign), 0
    with pq.ParquetWriter(results, SCHEMA, compression="zstd") as writer:
        while chunk := list(islice(requests, BATCH)):
            number += len(chunk)
            ended = [(request, _result(request)) for request in chunk]
            lines = [line for request, result in ended for line in _lines(request, result)]
            writer.write_batch(_batch(lines))
            for request, result in ended:
                counts.add(request, result)
                if result.status != "succeeded":
                    errors.write(_error(request, result))
    if number != campaign.accepted:
        raise IncompleteList(f"the index has {number:,} of {campaign.accepted or 0:,} requests")
    summary.write(counts.encode())


def _result(request: IndexedRequest) -> SpeechResult:
    if request.row is None:
        raise IncompleteList("its staged list is not in the index")
    if (result := request.result) is None:
        raise IncompleteList(f"request {request.request_id} has no result in the index")
    return result


def _lines(request: IndexedRequest, result: SpeechResult) -> Iterator[tuple[object, ...]]:
    """Yield a line for each rendition, in the order of the columns; one where there is none."""
    error, receipt = result.error, result.receipt
    head = (
        request.row,
        own_id(request, result),
        request.request_id,
        result.status,
        error.code if error else None,
        error.message if error else None,
        request.ended_at,
        small(result.unspoken),
        bounded(receipt.voice_seed) if receipt else None,
        small(receipt.draw) if receipt else None,
        receipt.engine_fingerprint if receipt else None,
        receipt.chain_fingerprint if receipt else None,
        receipt.waveform_sha256 if receipt else None,
    )
    for rendition in result.renditions:
        yield head + tuple(_fitting(getattr(rendition, name)) for name in _RENDITION)
    if not result.renditions:
        yield head + (None,) * len(_RENDITION)


def _fitting(value: object) -> object:
    """Messages do not bound every number; the columns hold 32 bits, and bytes far less than 64."""
    return small(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _batch(lines: list[tuple[object, ...]]) -> pa.RecordBatch:
    columns = zip(*lines, strict=True)
    arrays = [pa.array(c, type=f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _error(request: IndexedRequest, result: SpeechResult) -> bytes:
    line = {
        "row": request.row,
        "id": own_id(request, result),
        "request_id": request.request_id,
        "status": result.status,
        "error": result.error,
        "ended_at": request.ended_at,
    }
    return msgspec.json.encode(line) + b"\n"


def _stored(
    store: ObjectStore, campaign: Campaign, name: str, file: BinaryIO, content_type: str
) -> Output:
    size = file.tell()
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(2**20):
        digest.update(block)
    file.seek(0)
    store.put_file(output_key(campaign.campaign_id, name), file, content_type)
    failpoint("indexer.output")
    return Output(name=name, bytes=size, sha256=digest.hexdigest())
