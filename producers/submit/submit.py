"""Submitting a list, from a file or from Python."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from producers.rows.build import Builder, campaign_id
from producers.rows.read import read
from producers.submit.journal import Journal
from producers.submit.options import OnProgress, SubmitOptions, SubmitReport
from producers.submit.rejected import Rejected
from producers.submit.remote import Remote
from producers.submit.run import Came, Given, Run
from seedcast.catalog import profiles, voices
from seedcast.settings import Settings

BATCH = 2048  # rows between two notes in the journal


def submit_file(
    settings: Settings,
    file: Path | str,
    options: SubmitOptions,
    on_progress: OnProgress | None = None,
) -> SubmitReport:
    """Submits CSV, JSON Lines or Parquet; again, it goes on where it was interrupted.

    The journal FILE.CAMPAIGN.journal and FILE.rejected.jsonl are written beside the file, or into `options.state_dir`.
    Raises InvalidInput (the file, the options, a cancelled campaign, not one row accepted), LocalResource, Unreachable,
    CredentialsRefused, TopicMismatch, and what the broker said of a record that it refused. While the broker is away it waits.
    """
    path = Path(file)
    base = (options.state_dir or path.parent) / path.name
    rows = read(path)
    return _submit(settings, path.name, rows.columns, rows.rows, options, base, on_progress)


def submit_requests(
    settings: Settings,
    requests: Iterable[Came],
    options: SubmitOptions,
    on_progress: OnProgress | None = None,
) -> SubmitReport:
    """Submits requests as they are, and mappings as if each were a row of a file; returns when all are acknowledged.

    Without `options.state_dir` nothing is written beside, and what the campaign has accepted before is read from the topics.
    Raises as `submit_file` does.
    """
    base = options.state_dir and options.state_dir / campaign_id(options.campaign)
    return _submit(
        settings, "the list", None, enumerate(requests, start=1), options, base, on_progress
    )


def _submit(
    settings: Settings,
    name: str,
    columns: tuple[str, ...] | None,
    rows: Iterator[Given],
    options: SubmitOptions,
    base: Path | None,
    on_progress: OnProgress | None,
) -> SubmitReport:
    began, now, known, named = (
        time.monotonic(),
        datetime.now(UTC),
        profiles.load(settings.postprocess),
        voices.load(settings),
    )
    campaign = campaign_id(options.campaign)
    Builder(
        options, now, known, columns, named
    )  # what is wrong with the options is said before the brokers are asked
    with ExitStack() as stack:
        file = (
            None
            if options.dry_run or base is None
            else base.with_name(f"{base.name}.{campaign}.journal")
        )
        journal = stack.enter_context(closing(Journal(file)))
        remote = (
            None
            if options.dry_run
            else stack.enter_context(closing(Remote(settings, campaign, options.retry_of)))
        )
        created_at = remote.record.created_at if remote and remote.record else now
        rejected = Rejected(base and base.with_name(f"{base.name}.rejected.jsonl"))
        run = Run(
            settings,
            options,
            Builder(options, created_at, known, columns, named),
            journal,
            remote,
            rejected,
            on_progress,
        )
        run.begin(created_at)
        with closing(rejected):
            try:
                for batch in _batches(rows):
                    run.take(batch)
                run.settle()
            except BaseException:
                run.part()
                raise
        run.seal(name)
        return run.report(campaign, time.monotonic() - began)


def _batches(rows: Iterator[Given]) -> Iterator[list[Given]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
