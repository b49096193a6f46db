"""Submitting a list, from a file or from Python."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from seedcast.producers.rows.read import read
from seedcast.producers.staging.options import (
    OnProgress,
    OnRequest,
    SubmitOptions,
    SubmitReport,
)
from seedcast.producers.staging.run import Came
from seedcast.producers.staging.submission import GivenList, Submission
from seedcast.settings import Settings


def submit_file(
    settings: Settings,
    file: Path | str,
    options: SubmitOptions,
    on_progress: OnProgress | None = None,
    on_request: OnRequest | None = None,
) -> SubmitReport:
    """Submit a list. It exists once this has returned, and not in part before.

    Repeating the call finds the list submitted. Writes FILE.rejected.jsonl beside the file, or
    `options.rejected`. Waits while the broker or the object store is unavailable.
    Raises InvalidInput (the file, the options, another list of that name, a cancelled campaign, not
    one row accepted), LocalResource, Unreachable, CredentialsRefused, TopicMismatch.
    """
    path = Path(file)
    rejected = options.rejected or path.with_name(f"{path.name}.rejected.jsonl")
    options = replace(options, rejected=rejected)
    return submit_copy(settings, path, path.name, options, on_progress, on_request)


def submit_copy(
    settings: Settings,
    path: Path,
    name: str,
    options: SubmitOptions,
    on_progress: OnProgress | None = None,
    on_request: OnRequest | None = None,
) -> SubmitReport:
    """Submit a list that has another name than its file.

    Without `options.rejected` it writes no file. Raises as `submit_file` does.
    """
    submission = Submission(settings, name, options, on_progress, on_request)
    return submission.run(lambda: _read(path, options), again=True)


def submit_requests(
    settings: Settings,
    requests: Iterable[Came],
    options: SubmitOptions,
    on_progress: OnProgress | None = None,
) -> SubmitReport:
    """Submit requests unchanged, and mappings as if each were a row of a file.

    Without `options.rejected` it writes no file. Raises as `submit_file` does.
    """
    submission = Submission(settings, "the list", options, on_progress)
    again = iter(requests) is not requests
    return submission.run(lambda: GivenList(None, enumerate(requests, start=1)), again=again)


def _read(path: Path, options: SubmitOptions) -> GivenList:
    rows = read(path, options.file_options)
    return GivenList(rows.columns, rows.rows)
