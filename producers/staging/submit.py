"""Submitting a list, from a file or from Python: it is staged whole, then its campaign exists."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from seedcast.catalog import lexicon, profiles, voices
from seedcast.errors import InvalidInput, Retryable
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.read import read
from seedcast.producers.rows.request_ids import campaign_id
from seedcast.producers.rows.rows import BadRow
from seedcast.producers.staging.campaign_record import commit, find_record, refuse_another_list
from seedcast.producers.staging.known_ids import KnownIds
from seedcast.producers.staging.options import (
    OnProgress,
    OnRequest,
    SubmitOptions,
    SubmitReport,
    shown_options,
)
from seedcast.producers.staging.part_writer import PartWriter
from seedcast.producers.staging.rejected import Rejected
from seedcast.producers.staging.run import Came, Given, Run
from seedcast.retry import reach_store
from seedcast.schemas.messages import Campaign, SpeechRequest, StagedList
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import ABANDONED, StagedRow, deployment

BATCH = 2048  # rows between two looks at the ids so far
# A staging without a campaign is swept away after a day (staged_lists.ABANDONED).
STAGED_WITHIN = ABANDONED - timedelta(hours=4)
BATCH_SIZE = 16_000_000  # characters of them, so that memory stays flat


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
    submission = _Submission(settings, path.name, options, on_progress, on_request)
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
    submission = _Submission(settings, "the list", options, on_progress)
    again = iter(requests) is not requests
    return submission.run(lambda: _List(None, enumerate(requests, start=1)), again=again)


@dataclass(frozen=True)
class _List:
    columns: tuple[str, ...] | None
    rows: Iterator[Given]


def _read(path: Path, options: SubmitOptions) -> _List:
    rows = read(path, options.file_options)
    return _List(rows.columns, rows.rows)


class _Submission:
    def __init__(
        self,
        settings: Settings,
        name: str,
        options: SubmitOptions,
        on_progress: OnProgress | None,
        on_request: OnRequest | None = None,
    ) -> None:
        """`name` of the list, for people."""
        self._settings, self._name, self._options = settings, name, options
        self._on_progress, self._on_request = on_progress, on_request
        self._campaign = campaign_id(options.campaign)
        self._profiles = profiles.load(settings.postprocess)
        self._voices = voices.load(settings)
        self._lexicon = lexicon.of_list(options.lexicon)
        self._began = time.monotonic()

    def run(self, read_list: Callable[[], _List], *, again: bool) -> SubmitReport:
        """Stage the list, or compare it with the one that the campaign has.

        `again`: whether `read_list` gives the same rows twice.
        """
        now, rows = datetime.now(UTC), read_list()
        self._builder(now, rows)  # raises if the options are wrong, before servers are asked
        with closing(Rejected(self._options.rejected)) as rejected:
            if self._options.dry_run:
                return self._report(self._take(now, rows, rejected), rejected, None)
            cluster_id, record = find_record(self._settings, self._campaign)
            if record is None:
                owner = deployment(cluster_id, self._settings.kafka.prefix)
                run, record = self._stage(now, rows, rejected, owner)
                ours = record.created_at == now
                if ours or not again or self._is_same(run, record):
                    refuse_another_list(record, run.accepted, run.digest.hex(), self._name)
                    return self._report(run, rejected, record, before=not ours)
                rows = read_list()
        # Deadlines that are durations count from the moment that the first submission began.
        with closing(Rejected(self._options.rejected)) as rejected:
            run = self._take(record.created_at, rows, rejected)
            refuse_another_list(record, run.accepted, run.digest.hex(), self._name)
            return self._report(run, rejected, record, before=True)

    def _builder(self, created_at: datetime, rows: _List) -> Builder:
        return Builder(
            self._options, created_at, self._profiles, rows.columns, self._voices, self._lexicon
        )

    def _take(
        self,
        created_at: datetime,
        rows: _List,
        rejected: Rejected,
        writer: PartWriter | None = None,
    ) -> Run:
        """Read the whole list. Raises InvalidInput if it has no row that can be accepted."""
        builder, id_column = self._builder(created_at, rows), self._options.id_column
        with closing(KnownIds()) as known:
            run = self._current = Run(
                builder,
                created_at,
                id_column,
                known,
                rejected,
                writer,
                self._on_progress,
                self._on_request,
            )
            for batch in _batches(rows.rows):
                run.take(batch)
        if not run.accepted and not (self._options.dry_run and run.rows):
            raise _nothing_to_submit(self._name, run, rejected)
        self._deadline = builder.deadline
        return run

    def _stage(
        self, now: datetime, rows: _List, rejected: Rejected, owner: bytes
    ) -> tuple[Run, Campaign]:
        """Store the list, then write the campaign's record. `owner`: this deployment.

        Return the record of the first submission of the name: perhaps another one.
        """
        staging, store = secrets.token_hex(8), S3Store(self._settings.s3)
        writer = PartWriter(store, self._campaign, staging, self._on_outage)
        reach_store(self._settings, lambda: writer.begin(owner))
        run = self._take(now, rows, rejected, writer)
        parts = writer.finish(rejected.lines())
        if datetime.now(UTC) - now > STAGED_WITHIN:
            raise _too_late(self._campaign)
        staged = StagedList(
            staging=staging,
            parts=parts,
            digest=run.digest.hex(),
            ids_digest=run.ids_digest.hex(),
            rejected=rejected.count,
            duplicates=run.duplicates,
            spread=self._options.spread,
            options=shown_options(self._options) | {"list": self._name},
        )
        record = Campaign(
            campaign_id=self._campaign,
            state="sealed",
            created_at=now,
            accepted=run.accepted,
            deadline=self._deadline,
            deliver_late=self._options.deliver_late,
            retry_of=self._options.retry_of,
            staged=staged,
        )
        kept = commit(self._settings, record, self._on_outage)
        if kept.staged == staged:
            writer.end()
        return run, kept

    def _on_outage(self, error: Retryable | None) -> None:
        self._current.report(waiting=str(error) if error else None)

    @staticmethod
    def _is_same(run: Run, record: Campaign) -> bool:
        return record.staged is not None and record.staged.digest == run.digest.hex()

    def _report(
        self, run: Run, rejected: Rejected, record: Campaign | None, *, before: bool = False
    ) -> SubmitReport:
        return SubmitReport(
            campaign_id=self._campaign,
            state=record.state if record else None,
            rows=run.rows,
            accepted=run.accepted,
            before=before,
            duplicates=run.duplicates,
            rejected=rejected.count,
            rejections=tuple(rejected.first),
            reasons=rejected.reasons,
            rejected_file=rejected.path if rejected.count else None,
            seconds=time.monotonic() - self._began,
        )


def _nothing_to_submit(name: str, run: Run, rejected: Rejected) -> InvalidInput:
    return InvalidInput(
        f"nothing to submit in {name}",
        expected="at least one valid row",
        got=f"{rejected.count:,} invalid rows" if run.rows else "no rows",
        remedy=f"see {rejected.path}" if rejected.path and run.rows else "",
    )


def _too_late(campaign: str) -> InvalidInput:
    return InvalidInput(
        f"campaign {campaign}",
        expected=f"a list that is stored within {STAGED_WITHIN}",
        got="more: what is older without a campaign may be swept away",
        remedy="run the same command again",
    )


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
    if isinstance(value, StagedRow):
        return len(value.value)
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list | tuple) else 1
