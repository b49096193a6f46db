"""The input file of a batch becomes a campaign: what the stager does with such a list."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from seedcast.catalog import profiles
from seedcast.errors import InvalidInput
from seedcast.producers.gateway.batch_lines import BatchLines
from seedcast.producers.staging.list_job import BatchFile, ListJob
from seedcast.producers.staging.options import OnProgress, SubmitOptions
from seedcast.producers.staging.submission import GivenList, Submission
from seedcast.settings import Settings
from seedcast.storage.accounts.batch_records import bad_lines_file
from seedcast.storage.objects import ObjectStore
from seedcast.storage.uploaded_files import content_key

CONTENT_TYPE = "application/jsonl"


def stage_batch(
    settings: Settings,
    job: ListJob,
    file: BatchFile,
    path: Path,
    store: ObjectStore,
    on_progress: OnProgress,
) -> dict[str, Any]:
    """Return what was found. With `errors` there is no campaign; without accepted lines neither.

    Done again, it finds the same. Raises as `submit_file` does.
    """
    known = profiles.load(settings.postprocess)
    lines = BatchLines(path, job.campaign_id, file, known)
    if errors := lines.check():
        return {"total": lines.total, "errors": msgspec.to_builtins(errors)}
    options = job.options.of_submission(job.campaign_id, job.tenant, dry_run=False)
    accepted = _submit(settings, replace(options, deadline=file.expires_at), lines, on_progress)
    if lines.bad:
        data = b"".join(lines.bad)
        store.put(content_key(bad_lines_file(job.campaign_id)), data, CONTENT_TYPE)
    return {"total": lines.total, "accepted": accepted, "expired": lines.expired}


def _submit(
    settings: Settings, options: SubmitOptions, lines: BatchLines, on_progress: OnProgress
) -> int:
    """Return how many lines are in the campaign; without any there is none."""
    submission = Submission(settings, "the batch", options, on_progress, on_rejected=lines.reject)
    try:
        report = submission.run(lambda: GivenList(None, lines.rows()), again=True)
    except InvalidInput:
        if lines.is_read and len(lines.bad) == lines.total:
            return 0
        raise
    if report.accepted + len(lines.bad) != lines.total:
        raise RuntimeError(f"{lines.total} lines, {len(lines.bad)} bad, {report.accepted} accepted")
    return report.accepted
