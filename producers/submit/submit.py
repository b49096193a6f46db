"""Submitting a list, from a file or from Python."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

from seedcast.catalog import lexicon, profiles, voices
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.read import read
from seedcast.producers.rows.request_ids import campaign_id
from seedcast.producers.rows.rows import BadRow
from seedcast.producers.submit.journal import Journal
from seedcast.producers.submit.options import OnProgress, OnRequest, SubmitOptions, SubmitReport
from seedcast.producers.submit.rejected import Rejected
from seedcast.producers.submit.remote import Remote
from seedcast.producers.submit.run import Came, Given, Run
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings

BATCH = 2048  # rows between two entries in the journal
BATCH_SIZE = 16_000_000  # characters of them, so that memory stays flat


def submit_file(
    settings: Settings,
    file: Path | str,
    options: SubmitOptions,
    on_progress: OnProgress | None = None,
    on_request: OnRequest | None = None,
) -> SubmitReport:
    """Submit a list. Repeating the call continues an interrupted submission.

    Writes FILE.CAMPAIGN.journal and FILE.rejected.jsonl beside the file, or into
    `options.state_dir`. Waits while the broker is unavailable.
    Raises InvalidInput (the file, the options, a cancelled campaign, not one row accepted),
    LocalResource, Unreachable, CredentialsRefused, TopicMismatch, and the broker's error for a
    record that it refused.
    """
    path = Path(file)
    base = (options.state_dir or path.parent) / path.name
    rows = read(path, options.file_options)
    return _submit(
        settings, path.name, rows.columns, rows.rows, options, base, on_progress, on_request
    )


def submit_requests(
    settings: Settings,
    requests: Iterable[Came],
    options: SubmitOptions,
    on_progress: OnProgress | None = None,
) -> SubmitReport:
    """Submit requests unchanged, and mappings as if each were a row of a file.

    Returns when Kafka has acknowledged all of them. Without `options.state_dir` it writes no file,
    and reads from the topics what the campaign has accepted before. Raises as `submit_file` does.
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
    on_request: OnRequest | None = None,
) -> SubmitReport:
    began, now = time.monotonic(), datetime.now(UTC)
    device_profiles, named_voices = profiles.load(settings.postprocess), voices.load(settings)
    campaign, words = campaign_id(options.campaign), lexicon.of_list(options.lexicon)

    def builder(created_at: datetime) -> Builder:
        return Builder(options, created_at, device_profiles, columns, named_voices, words)

    builder(now)  # raises if the options are wrong, before the brokers are asked
    with ExitStack() as stack:
        journal = stack.enter_context(closing(_journal(options, base, campaign)))
        remote = None
        if not options.dry_run:
            remote = stack.enter_context(closing(Remote(settings, campaign, options.retry_of)))
        created_at = remote.record.created_at if remote and remote.record else now
        rejected = Rejected(base and base.with_name(f"{base.name}.rejected.jsonl"))
        run = Run(
            settings,
            options,
            builder(created_at),
            journal,
            remote,
            rejected,
            on_progress,
            on_request,
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


def _journal(options: SubmitOptions, base: Path | None, campaign: str) -> Journal:
    if options.dry_run or base is None:
        return Journal(None)
    return Journal(base.with_name(f"{base.name}.{campaign}.journal"))


def _batches(rows: Iterator[Given]) -> Iterator[list[Given]]:
    """Yield the rows in batches of at most BATCH, and of about BATCH_SIZE characters."""
    batch, size = list[Given](), 0
    for given in rows:
        batch.append(given)
        size += _size(given.line if isinstance(given, BadRow) else given[1])
        if len(batch) == BATCH or size > BATCH_SIZE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(value: object) -> int:
    """Return about how many characters a value holds."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, SpeechRequest):
        return len(value.text)
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list | tuple) else 1
