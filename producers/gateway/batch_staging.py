"""The input file of a batch becomes a campaign: queued as a list, and what was found in it."""

import hashlib
from datetime import UTC, datetime

import msgspec

from seedcast.errors import MissingObject
from seedcast.producers.staging.list_job import BatchFile, StagedOptions
from seedcast.storage.accounts.batch_records import Batch, LineError
from seedcast.storage.accounts.stagings import Staging, Stagings
from seedcast.storage.objects import ObjectStore
from seedcast.storage.uploaded_files import report_key

NO_END = LineError(
    code="staging_failed",
    message="no process came to its end: the file was deleted, or it needs too much memory",
)
TAKEN = LineError(
    code="name_taken", message="another list was submitted under the name of the batch"
)


class Report(msgspec.Struct, frozen=True):
    """What the process has found in the input file."""

    total: int
    accepted: int = 0
    expired: int = 0
    errors: tuple[LineError, ...] = ()

    @property
    def failed(self) -> int:
        return self.total - self.accepted - self.expired


class _Found(msgspec.Struct, frozen=True):
    reason: str | None
    report: Report | None


class BatchStaging:
    """Methods block, and raise AccountsUnavailable and StoreUnavailable."""

    def __init__(self, stagings: Stagings, store: ObjectStore, most_lines: int) -> None:
        self._stagings, self._store, self._most_lines = stagings, store, most_lines

    def find(self, batch: Batch) -> Staging | None:
        return self._stagings.find(batch.tenant, batch.batch_id, is_check=False)

    def is_own(self, batch: Batch, staging: Staging) -> bool:
        return staging.digest == _digest(batch)

    def queue(self, batch: Batch) -> None:
        file = BatchFile(
            endpoint=batch.terms.endpoint,
            created_at=batch.created_at,
            expires_at=batch.expires_at,
            most_lines=self._most_lines,
        )
        options = msgspec.json.encode(StagedOptions(format="jsonl", batch=file))
        own = batch.tenant, batch.batch_id, batch.input_file_id, _digest(batch)
        self._stagings.add(*own, options, datetime.now(UTC), is_check=False)

    def found(self, staging: Staging) -> Report | LineError:
        """Return what was found in a file that was read, or why it could not be."""
        try:
            data = self._store.get(self._store.uri(report_key(staging.job_id)))
        except MissingObject:
            return NO_END
        found = msgspec.json.decode(data, type=_Found)
        if found.report is None:
            return LineError(code="refused", message=found.reason or "")
        return found.report


def _digest(batch: Batch) -> str:
    """Return what no other list under the batch's name has."""
    return hashlib.sha256(f"{batch.batch_id}\n{batch.input_file_id}".encode()).hexdigest()
