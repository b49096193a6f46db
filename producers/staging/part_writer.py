"""Writes the accepted rows of a list as Parquet parts into the object store."""

import hashlib
import io
import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from seedcast.errors import Retryable
from seedcast.failpoints import failpoint
from seedcast.retry import retry
from seedcast.schemas.messages import ListPart
from seedcast.storage.objects import ObjectStore
from seedcast.storage.staged_lists import (
    BATCH,
    BEGUN,
    REJECTED,
    SCHEMA,
    StagedRow,
    folder,
    part_name,
)

_REPEATED = ["priority", "voice_seed"]  # columns of few values
PART = 50_000  # rows
PART_BYTES = 64 * 1024 * 1024  # of them, before compression: long texts make smaller parts
BATCH_BYTES = 16 * 1024 * 1024
T = TypeVar("T")


class PartWriter:
    """Waits while the store is unavailable. Memory: one part, compressed, and two batches of rows.

    A thread compresses and hashes: neither needs Python, so the next rows are built meanwhile.
    """

    def __init__(
        self,
        store: ObjectStore,
        campaign: str,
        staging: str,
        on_outage: Callable[[Retryable | None], None],
    ) -> None:
        """`on_outage`: told each error that is waited out, and None when the store answers."""
        self._store, self._folder = store, folder(campaign, staging)
        self._on_outage = on_outage
        self.parts: list[ListPart] = []
        self._batch: list[StagedRow] = []
        self._batch_size = 0
        self._thread = ThreadPoolExecutor(1, "part-writer")
        self._written: Future[None] | None = None  # the batch before
        self._begin_part()

    def close(self) -> None:
        """End the thread. Call it in any case; a list that was finished needs it no more."""
        self._thread.shutdown(wait=False)

    def begin(self, owner: bytes) -> None:
        """Mark the staging as one that its owner has begun. Raises the store's errors."""
        mark = self._folder + BEGUN
        self._store.ensure_bucket(mark)
        self._store.put(mark, owner, "application/octet-stream")

    def end(self) -> None:
        """Mark the staging as a campaign's: from now on nothing sweeps it away."""
        self._waiting(
            lambda: self._store.put(self._folder + BEGUN, b"", "application/octet-stream")
        )

    def add(self, row: StagedRow) -> None:
        self._batch.append(row)
        self._batch_size += len(row.value) + len(row.source or b"")
        if len(self._batch) == BATCH or self._batch_size > BATCH_BYTES:
            self._write_batch()
            if self._rows >= PART or self._size > PART_BYTES:
                self._store_part()

    def finish(self, rejected: BinaryIO | None) -> tuple[ListPart, ...]:
        """Store the last part and the rejected rows. Return all parts."""
        self._write_batch()
        if self._rows:
            self._store_part()
        if rejected:
            self._waiting(lambda: self._store_rejected(rejected))
        return tuple(self.parts)

    def _begin_part(self) -> None:
        self._rows = self._size = 0
        self._buffer = io.BytesIO()
        self._file = pq.ParquetWriter(
            self._buffer,
            SCHEMA,
            compression="zstd",
            use_dictionary=_REPEATED,  # type: ignore[arg-type]  # its stub lacks the list
        )

    def _write_batch(self) -> None:
        if not self._batch:
            return
        columns = [
            pa.array(values, type=field.type)
            for field, values in zip(SCHEMA, zip(*self._batch, strict=True), strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
        self._wait_for_batch()
        self._written = self._thread.submit(self._file.write_batch, batch)
        self._rows += len(self._batch)
        self._size += self._batch_size
        self._batch.clear()
        self._batch_size = 0

    def _wait_for_batch(self) -> None:
        if self._written:
            self._written.result()

    def _store_part(self) -> None:
        self._wait_for_batch()
        self._file.close()
        data = self._buffer.getvalue()
        key = self._folder + part_name(len(self.parts))
        failpoint("submit.part")
        hashed = self._thread.submit(hashlib.sha256, data)
        self._waiting(lambda: self._store.put(key, data, "application/vnd.apache.parquet"))
        sha256 = hashed.result().hexdigest()
        self.parts.append(ListPart(rows=self._rows, bytes=len(data), sha256=sha256))
        failpoint("submit.stored")
        self._begin_part()

    def _store_rejected(self, lines: BinaryIO) -> None:
        lines.seek(0)
        self._store.put_file(self._folder + REJECTED, lines, "application/jsonl")

    def _waiting(self, attempt: Callable[[], T]) -> T:
        """Repeat the attempt until the store answers."""

        def reported() -> T:
            try:
                result = attempt()
            except Retryable as error:
                self._on_outage(error)
                raise
            self._on_outage(None)
            return result

        return retry(reported, seconds=math.inf)
