"""One call of `submit`: a list is staged whole, then its campaign exists."""

import gc
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from msgspec.structs import replace

from seedcast.catalog import lexicon, profiles, voices
from seedcast.errors import InvalidInput, Retryable
from seedcast.printing import visible
from seedcast.producers import terms
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.request_ids import campaign_id
from seedcast.producers.staging.batches import batches
from seedcast.producers.staging.campaign_record import commit, find_record, refuse_another_list
from seedcast.producers.staging.known_ids import KnownIds
from seedcast.producers.staging.options import (
    OnProgress,
    OnRejected,
    OnRequest,
    SubmitOptions,
    SubmitReport,
    shown_options,
)
from seedcast.producers.staging.part_writer import PartWriter
from seedcast.producers.staging.rejected import Rejected
from seedcast.producers.staging.run import Given, Run
from seedcast.retry import reach_store
from seedcast.schemas.messages import Campaign, StagedList
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import deployment

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class GivenList:
    """`columns` is None if each row has its own."""

    columns: tuple[str, ...] | None
    rows: Iterator[Given]


class Submission:
    def __init__(
        self,
        settings: Settings,
        name: str,
        options: SubmitOptions,
        on_progress: OnProgress | None,
        on_request: OnRequest | None = None,
        on_rejected: OnRejected | None = None,
    ) -> None:
        """`name` of the list, for people."""
        self._settings, self._name, self._options = settings, visible(name), options
        self._on_progress, self._on_request = on_progress, on_request
        self._on_rejected = on_rejected
        self._campaign, self._staging = campaign_id(options.campaign), secrets.token_hex(8)
        self._profiles = profiles.load(settings.postprocess)
        self._voices = voices.load(settings)
        self._lexicon = lexicon.of_list(options.lexicon)
        self._began, self._waits = time.monotonic(), False

    def run(self, read_list: Callable[[], GivenList], *, again: bool) -> SubmitReport:
        """Stage the list, or compare it with the one that the campaign has.

        `again`: whether `read_list` gives the same rows twice.
        """
        now, rows = datetime.now(UTC), read_list()
        # Both raise if the options are wrong, before servers are asked.
        self._deadline = self._builder(now, rows).deadline
        self._record(now)
        if self._options.dry_run:
            terms.require_opening(self._record(now), now)
            with closing(self._rejected()) as rejected:
                return self._report(self._take(now, rows, rejected), rejected, None)
        cluster_id, record = find_record(self._settings, self._campaign)
        if record is None:
            owner = deployment(cluster_id, self._settings.kafka.prefix)
            with closing(self._rejected()) as rejected:
                run, record = self._stage(now, rows, rejected, owner)
                if not again or _is_same(run, record):
                    return self._compared(run, rejected, record)
            rows = read_list()  # another submission was first
        # Deadlines that are durations count from the moment that the first submission began.
        with closing(self._rejected()) as rejected:
            run = self._take(record.created_at, rows, rejected)
            return self._compared(run, rejected, record)

    def _rejected(self) -> Rejected:
        return Rejected(self._options.rejected, self._on_rejected)

    def _builder(self, created_at: datetime, rows: GivenList) -> Builder:
        return Builder(
            self._options,
            created_at,
            self._profiles,
            rows.columns,
            self._voices,
            self._lexicon,
            self._name,
        )

    def _take(
        self,
        created_at: datetime,
        rows: GivenList,
        rejected: Rejected,
        writer: PartWriter | None = None,
    ) -> Run:
        """Read the whole list. Raises InvalidInput if it has no row that can be accepted."""
        builder, id_column = self._builder(created_at, rows), self._options.id_column
        with closing(KnownIds()) as known, _collecting_only_new_garbage():
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
            for batch in batches(rows.rows):
                run.take(batch)
        if not run.accepted and not (self._options.dry_run and run.rows):
            raise _nothing_to_submit(self._name, run, rejected)
        if self._options.deliver_late:  # the record has it, and no request
            run.digest.add(b"deliver_late")
        self._deadline = builder.deadline
        return run

    def _stage(
        self, now: datetime, rows: GivenList, rejected: Rejected, owner: bytes
    ) -> tuple[Run, Campaign]:
        """Store the list, then write the campaign's record. `owner`: this deployment.

        Return the record of the first submission of the name: perhaps another one.
        """
        terms.require_opening(self._record(now), now)
        store = S3Store(self._settings.s3)
        with closing(PartWriter(store, self._campaign, self._staging, self._on_outage)) as writer:
            reach_store(self._settings, lambda: writer.begin(owner))
            run = self._take(now, rows, rejected, writer)
            parts = writer.finish(rejected.lines())
        staged = StagedList(
            staging=self._staging,
            parts=parts,
            digest=run.digest.hex(),
            ids_digest=run.ids_digest.hex(),
            rejected=rejected.count,
            duplicates=run.duplicates,
            spread=self._options.spread,
            options=shown_options(self._options) | {"list": self._name},
        )
        mine = replace(self._record(now), accepted=run.accepted, staged=staged)
        record = commit(self._settings, mine, self._on_outage)
        if record.staged == staged:
            writer.end()
        return run, record

    def _record(self, created_at: datetime) -> Campaign:
        """Return the campaign's record without its list. Raises InvalidInput if a term is wrong."""
        record = Campaign(
            campaign_id=self._campaign,
            state="sealed",
            created_at=created_at,
            deadline=self._deadline,
            deliver_late=self._options.deliver_late,
            retry_of=self._options.retry_of,
        )
        return terms.with_terms(record, terms.of_options(self._options), created_at)

    def _on_outage(self, error: Retryable | None) -> None:
        if error and not self._waits:  # once: not every caller shows the progress
            log.warning("unavailable", problem=str(error))
        self._waits = error is not None
        self._current.report(waiting=str(error) if error else None)

    def _compared(self, run: Run, rejected: Rejected, record: Campaign) -> SubmitReport:
        """Raises InvalidInput if the campaign has another list."""
        refuse_another_list(record, run.accepted, run.digest.hex(), self._name)
        return self._report(run, rejected, record)

    def _report(self, run: Run, rejected: Rejected, record: Campaign | None) -> SubmitReport:
        staged = record.staged if record else None
        return SubmitReport(
            campaign_id=self._campaign,
            state=record.state if record else None,
            rows=run.rows,
            accepted=run.accepted,
            before=staged is not None and staged.staging != self._staging,
            duplicates=run.duplicates,
            rejected=rejected.count,
            rejections=tuple(rejected.first),
            reasons=rejected.reasons,
            rejected_file=rejected.path if rejected.count else None,
            seconds=time.monotonic() - self._began,
            other_terms=self._other_terms(record),
        )

    def _other_terms(self, record: Campaign | None) -> tuple[str, ...]:
        if record is None:
            return ()
        asked = terms.of_options(self._options)
        return terms.differing(asked, self._record(record.created_at), record)


@contextmanager
def _collecting_only_new_garbage() -> Iterator[None]:
    """Keep the garbage collector from what exists: libraries are a quarter of a million objects.

    It would look at all of them every few thousand rows, for a seventh of the whole time. This is
    of the whole process: where a caller has frozen objects itself, they are left as they are.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _is_same(run: Run, record: Campaign) -> bool:
    return record.staged is not None and record.staged.digest == run.digest.hex()


def _nothing_to_submit(name: str, run: Run, rejected: Rejected) -> InvalidInput:
    return InvalidInput(
        f"nothing to submit in {name}",
        expected="at least one valid row",
        got=f"{rejected.count:,} invalid rows" if run.rows else "no rows",
        remedy=f"see {rejected.path}" if rejected.path and run.rows else "",
    )
