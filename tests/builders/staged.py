"""Staged lists without a submission: parts of as few rows as a test likes."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from seedcast.codec import encode_json
from seedcast.schemas.messages import Campaign, ListPart, SpeechRequest, StagedList
from seedcast.storage.objects import ObjectStore
from seedcast.storage.staged_lists import SCHEMA, StagedRow, folder, part_name

STAGING = "0123456789abcdef"


def stage(
    store: ObjectStore,
    name: str,
    *parts: Sequence[SpeechRequest],
    staging: str = STAGING,
    created_at: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    spread: int | None = None,
    sources: Sequence[Mapping[str, object]] = (),
) -> Campaign:
    """Store one part for each sequence of requests; return the record of their campaign.

    `sources`: the list's own columns, for all rows or for none.
    """
    stored, row = [], 1
    for number, requests in enumerate(parts):
        data = _part(requests, row, sources)
        row += len(requests)
        store.put(folder(name, staging) + part_name(number), data, "application/octet-stream")
        sha256 = hashlib.sha256(data).hexdigest()
        stored.append(ListPart(rows=len(requests), bytes=len(data), sha256=sha256))
    empty = hashlib.sha256().hexdigest()
    staged = StagedList(
        staging=staging, parts=tuple(stored), digest=empty, ids_digest=empty, spread=spread
    )
    return Campaign(
        campaign_id=name,
        state="sealed",
        created_at=created_at,
        accepted=sum(map(len, parts)),
        staged=staged,
    )


def _part(
    requests: Sequence[SpeechRequest], first: int, sources: Sequence[Mapping[str, object]]
) -> bytes:
    own = [msgspec.json.encode(source) for source in sources]
    rows = [
        StagedRow(
            n, r.request_id, r.voice_seed, r.priority, encode_json(r), own[n - 1] if own else None
        )
        for n, r in enumerate(requests, start=first)
    ]
    columns = [
        pa.array(values, type=field.type)
        for field, values in zip(SCHEMA, zip(*rows, strict=True), strict=True)
    ]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), file)
    return file.getvalue()
