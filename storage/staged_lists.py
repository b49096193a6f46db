"""The staged lists: Parquet parts in the object store, of which a campaign's record says all.

A list is whole and never changes: each part is checked against its hash before a row of it is used.
"""

import hashlib
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from seedcast.codec import decode_request
from seedcast.errors import InvalidInput, ListDamaged, MissingObject
from seedcast.schemas.messages import Campaign, ListPart, Priority, SpeechRequest, StagedList
from seedcast.storage.objects import ObjectStore

ABANDONED = timedelta(days=1)  # after which a staging without a campaign is swept away
FOLDER = "_lists"  # no campaign id begins with an underscore
REJECTED = "_rejected.jsonl"
# Says whose staging it is, until its campaign exists; empty afterwards. What has no such object, or
# an empty one, is never swept.
BEGUN = "_begun"
_FIELDS: list["pa.Field[Any]"] = [
    pa.field("row", pa.int64(), nullable=False),  # in the list that was submitted, from 1
    pa.field("request_id", pa.string(), nullable=False),
    pa.field("voice_seed", pa.int64(), nullable=False),
    pa.field("priority", pa.string(), nullable=False),
    # SpeechRequest as JSON: the value of its record on the requests topic.
    pa.field("request", pa.binary(), nullable=False),
    # The row's own columns, as a JSON object; null if the caller made the request.
    pa.field("source", pa.binary()),
]
SCHEMA = pa.schema(_FIELDS)
BATCH = 2000  # rows in memory, besides the part itself


class StagedRow(NamedTuple):
    """One accepted row of a list, in the order of the schema's columns."""

    row: int
    request_id: str
    voice_seed: int
    priority: Priority
    value: bytes  # the request as JSON
    source: bytes | None

    @property
    def request(self) -> SpeechRequest:
        return decode_request(self.value)


def folder(campaign: str, staging: str) -> str:
    """Return the prefix of all objects of one staging."""
    return f"{FOLDER}/{campaign}/{staging}/"


def deployment(cluster_id: str, prefix: str) -> bytes:
    """Return what marks a staging as a deployment's own: several may share one bucket."""
    return f"{cluster_id} {prefix}".encode()


def part_name(number: int) -> str:
    return f"part-{number:05}.parquet"


def staged_of(campaign: Campaign) -> StagedList:
    """Return the campaign's staged list. Raises InvalidInput if it has none."""
    if campaign.staged is None:
        raise InvalidInput(
            f"campaign {campaign.campaign_id}",
            expected="one whose list was staged",
            got="a campaign of events, or of an older version",
        )
    return campaign.staged


def read_rows(store: ObjectStore, campaign: Campaign, start: int = 0) -> Iterator[StagedRow]:
    """Yield the accepted rows in the list's order, without the first `start` of them.

    Raises ListDamaged where a part is missing or altered, and StoreUnavailable.
    """
    for number, skipped in _parts_from(staged_of(campaign), start):
        yield from _rows(_file(store, campaign, number), skipped)


def check_parts(store: ObjectStore, campaign: Campaign) -> None:
    """Raises ListDamaged if a part is missing or has another size. None is read."""
    staged = staged_of(campaign)
    prefix = folder(campaign.campaign_id, staged.staging)
    sizes = {info.key: info.size for info in store.list(prefix)}
    for number, part in enumerate(staged.parts):
        key = prefix + part_name(number)
        if (size := sizes.get(key)) != part.bytes:
            got = "no object" if size is None else f"{size:,} bytes"
            raise _damaged(campaign, store.uri(key), part, got)


def read_ids(store: ObjectStore, campaign: Campaign) -> Iterator[tuple[int, str]]:
    """Yield row number and request id of each accepted row. Raises as `read_rows` does."""
    for number in range(len(staged_of(campaign).parts)):
        yield from read_part_ids(store, campaign, number)


def read_part_ids(store: ObjectStore, campaign: Campaign, number: int) -> Iterator[tuple[int, str]]:
    """Yield row number and request id of each row of one part. Raises as `read_rows` does."""
    yield from _columns(store, campaign, number, ["row", "request_id"])


def read_sources(store: ObjectStore, campaign: Campaign) -> Iterator[tuple[int, bytes | None]]:
    """Yield row number and own columns of each accepted row. Raises as `read_rows` does."""
    for number in range(len(staged_of(campaign).parts)):
        yield from _columns(store, campaign, number, ["row", "source"])


def _columns(
    store: ObjectStore, campaign: Campaign, number: int, names: list[str]
) -> Iterator[tuple[Any, ...]]:
    for batch in _file(store, campaign, number).iter_batches(BATCH, columns=names):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _parts_from(staged: StagedList, start: int) -> Iterator[tuple[int, int]]:
    """Yield number and rows to skip of each part that has a row at or after `start`."""
    for number, part in enumerate(staged.parts):
        if start < part.rows:
            yield number, max(0, start)
        start -= part.rows


def _file(store: ObjectStore, campaign: Campaign, number: int) -> pq.ParquetFile:
    """Return a part, read whole and compared with its hash."""
    staged = staged_of(campaign)
    key = folder(campaign.campaign_id, staged.staging) + part_name(number)
    uri, part = store.uri(key), staged.parts[number]
    try:
        data = store.get(uri)
    except MissingObject:
        raise _damaged(campaign, uri, part, "no object") from None
    if (got := hashlib.sha256(data).hexdigest()) != part.sha256:
        raise _damaged(campaign, uri, part, f"{len(data):,} bytes with {got}")
    return pq.ParquetFile(io.BytesIO(data))


def _rows(file: pq.ParquetFile, skipped: int) -> Iterator[StagedRow]:
    for batch in file.iter_batches(BATCH):
        rest = batch.slice(skipped)
        skipped = max(0, skipped - batch.num_rows)
        rows = zip(*(column.to_pylist() for column in rest.columns), strict=True)
        yield from map(StagedRow._make, rows)


def _damaged(campaign: Campaign, uri: str, part: ListPart, got: str) -> ListDamaged:
    return ListDamaged(
        f"campaign {campaign.campaign_id}: {uri}",
        expected=f"{part.bytes:,} bytes with SHA-256 {part.sha256}",
        got=got,
        remedy="restore the object from a backup or an older version; nothing is lost till then",
    )
