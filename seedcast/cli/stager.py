"""`python -m seedcast.cli.stager`: a gateway's process that checks or stages one list, and ends.

It gets its job as a line on standard input, and tells its progress by lines on standard output.
Where standard input ends, the gateway is gone, and this process goes, too: another gateway takes
the list.
"""

import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import msgspec
import structlog

from seedcast import embedded, logging, settings
from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.cli.exit_codes import Exit
from seedcast.cli.findings import check_by, facts
from seedcast.cli.list_process import bound_memory, copy_of, end_with_the_gateway, own_stdout
from seedcast.cli.submit import report_facts
from seedcast.errors import (
    Fatal,
    InvalidInput,
    MissingObject,
    Retryable,
    Unreachable,
)
from seedcast.printing import one_line
from seedcast.producers.staging.list_job import BatchFile, ListJob, ListProgress
from seedcast.producers.staging.options import OnRequest, SubmitProgress, SubmitReport
from seedcast.producers.staging.submit import submit_copy
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store

log = structlog.get_logger(__name__)
INTERVAL = 0.5  # seconds between two lines of progress


def main() -> int:
    """Return the exit code: UNAVAILABLE where the world may heal."""
    told = own_stdout()
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=ListJob)
    end_with_the_gateway()
    bound_memory(job.memory)
    loaded = embedded.connected(settings.load())
    logging.configure(loaded.log, worker="stager", campaign=job.campaign_id)
    try:
        end = _Stager(loaded, job, _Progress(told)).run()
    except (Retryable, Unreachable) as error:
        log.warning("staging_waits", problem=str(error), next="it is staged again")
        return Exit.UNAVAILABLE
    except Fatal as error:
        log.error("staging_failed", problem=str(error))
        return int(error.exit_code)
    _tell(told, end)
    return Exit.OK


class _Progress:
    """Tells the latest, and not too often."""

    def __init__(self, told: IO[bytes]) -> None:
        self._told, self._next = told, 0.0
        self.last = ListProgress()

    def take(self, progress: SubmitProgress) -> None:
        waited = self.last.waiting
        self.last = ListProgress(
            rows=progress.rows,
            accepted=progress.accepted,
            rejected=progress.rejected,
            waiting=progress.waiting and "the object store or Kafka does not answer",
        )
        if time.monotonic() >= self._next or self.last.waiting != waited:
            self._next = time.monotonic() + INTERVAL
            _tell(self._told, self.last)


class _Stager:
    def __init__(self, loaded: Settings, job: ListJob, progress: _Progress) -> None:
        self._settings, self._job, self._progress = loaded, job, progress
        self._name = one_line(job.filename)
        self._store = S3Store(loaded.s3)
        self._options = job.options.of_submission(job.campaign_id, job.tenant, dry_run=job.is_check)

    def run(self) -> ListProgress:
        """Return the end, whose report is stored. Raises Retryable and Fatal errors."""
        try:
            with copy_of(self._store, self._job.uri) as path:
                return self._staged(path)
        except MemoryError:
            return self._refused(f"it needs more than {self._job.memory} MiB of memory", None)
        except MissingObject:
            return self._refused("its file was deleted", None)

    def _staged(self, path: Path) -> ListProgress:
        if self._job.options.batch is not None:
            return self._batch(path, self._job.options.batch)
        try:
            report = self._check(path) if self._job.is_check else self._submit(path)
        except InvalidInput as error:
            if isinstance(error.__cause__, MemoryError):  # Arrow's, taken for a damaged file
                raise error.__cause__ from None
            reason = str(error).replace(str(path), self._name)
            return self._refused(reason, self._rejected(path))
        if self._job.is_check and not report["accepted"]:
            return self._refused("it has no valid row", report)
        return self._end("done", {"reason": None, "report": report})

    def _batch(self, path: Path, file: BatchFile) -> ListProgress:
        from seedcast.cli.batch_stager import stage_batch  # loads starlette, which no list needs

        take = self._progress.take
        try:
            found = stage_batch(self._settings, self._job, file, path, self._store, take)
        except InvalidInput as error:
            return self._refused(str(error), None)
        if "errors" in found:
            return self._refused("lines of it are no requests", found)
        return self._end("done", {"reason": None, "report": found})

    def _submit(self, path: Path) -> dict[str, Any]:
        """Raises InvalidInput, which tells nothing of another tenant's campaign."""
        self._refuse_foreign()
        try:
            report = self._read(path, None)
        except InvalidInput:
            self._refuse_foreign()
            raise
        if report.before:
            self._refuse_foreign()
        return report_facts(report)

    def _check(self, path: Path) -> dict[str, Any]:
        checked = check_by(self._settings, lambda add: self._read(path, add))
        return report_facts(checked.report) | facts(checked)

    def _rejected(self, path: Path) -> dict[str, Any] | None:
        """Return what is wrong with the rows of a list that was refused, if they can be read."""
        self._options = replace(self._options, dry_run=True)
        with suppress(InvalidInput):
            report = self._read(path, None)
            return report_facts(report) if report.rejected else None
        return None

    def _read(self, path: Path, on_request: OnRequest | None) -> SubmitReport:
        take = self._progress.take
        return submit_copy(self._settings, path, self._name, self._options, take, on_request)

    def _refuse_foreign(self) -> None:
        record = read_campaigns(self._settings).get(self._job.campaign_id)
        if record and record.tenant != self._job.tenant:
            raise InvalidInput(
                f"campaign {self._job.campaign_id}",
                expected="a name that is free",
                got="one that is taken",
                remedy="submit the list under another name",
            )

    def _refused(self, reason: str, report: dict[str, Any] | None) -> ListProgress:
        return self._end("refused", {"reason": reason, "report": report})

    def _end(self, end: Any, found: dict[str, Any]) -> ListProgress:
        data = msgspec.json.encode(found, enc_hook=str)
        self._store.put(self._job.report_key, data, "application/json")
        return msgspec.structs.replace(self._progress.last, waiting=None, end=end)


def _tell(told: IO[bytes], progress: ListProgress) -> None:
    told.write(msgspec.json.encode(progress) + b"\n")
    told.flush()


if __name__ == "__main__":
    raise SystemExit(main())
