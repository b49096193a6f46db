"""One submission under way: it compares the rows with the journal and the topic."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from seedcast.errors import InvalidInput, InvalidRow
from seedcast.failpoints import failpoint
from seedcast.kafka import Producer
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.content import check_deadline, digest, encode
from seedcast.producers.rows.rows import BadRow
from seedcast.producers.submit.journal import Entry, Journal
from seedcast.producers.submit.options import (
    OnProgress,
    OnRequest,
    SubmitOptions,
    SubmitProgress,
    SubmitReport,
)
from seedcast.producers.submit.publish import Publisher
from seedcast.producers.submit.rejected import Rejected
from seedcast.producers.submit.remote import Remote
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings

Came = Mapping[str, object] | SpeechRequest
Given = tuple[int, Came] | BadRow


class Run:
    """Builds rows, records the intent, sends, records the acknowledgement, and seals."""

    def __init__(
        self,
        settings: Settings,
        options: SubmitOptions,
        builder: Builder,
        journal: Journal,
        remote: Remote | None,
        rejected: Rejected,
        on_progress: OnProgress | None,
        on_request: OnRequest | None = None,
    ) -> None:
        self._options, self._builder, self._journal, self._remote = (
            options,
            builder,
            journal,
            remote,
        )
        self._rejected, self._on_progress = rejected, on_progress
        self._on_request = on_request
        self._producer = Producer(settings) if remote else None
        spread = settings.kafka.spread if options.spread is None else options.spread
        self._publisher = (
            Publisher(settings, self._producer, remote.partitions, spread)
            if remote and self._producer
            else None
        )
        self._created_at = datetime.now(UTC)
        self._rows = self._new = self._resumed = self._duplicates = 0
        self._whole = True  # the journal has all that a closed campaign accepted

    def begin(self, created_at: datetime) -> None:
        """Make the journal agree with the topic."""
        if (remote := self._remote) is None:
            return
        self._created_at, identity = created_at, remote.identity(created_at)
        if remote.record is None:
            self._journal.rebuild(identity, ())
        elif (
            self._journal.identity != identity
            or self._journal.in_doubt
            or not self._has_all(remote)
        ):
            self._journal.rebuild(identity, remote.entries())
        self._whole = self._has_all(remote)

    def take(self, batch: list[Given]) -> None:
        self._rows += len(batch)
        now = datetime.now(UTC)
        wrong: list[tuple[InvalidRow, Came | str]] = []
        built = list(self._build(batch, now, wrong))
        known = self._journal.find([request.request_id for _, request, _ in built])
        fresh: list[tuple[Entry, SpeechRequest, bytes]] = []
        for row, request, came in built:
            try:
                if (entry := self._new_entry(row, request, known)) and self._admit(
                    row, request, now
                ):
                    fresh.append((entry, request, encode(row, request)))
                    known[request.request_id] = entry
                    if self._on_request:
                        self._on_request(request, fresh[-1][2])
            except InvalidRow as error:
                wrong.append((error, came))
        for problem, what in sorted(wrong, key=lambda pair: pair[0].row):
            self._rejected.add(problem, what)
        if fresh:
            self._send(fresh)
        self._note()

    def settle(self) -> None:
        """Wait until everything is acknowledged, and record it."""
        while self._publisher and not self._publisher.wait(0.5):
            self._note()
        self._note()

    def part(self) -> None:
        """Record what an interrupted run has acknowledged; the next run continues from there."""
        if self._publisher:
            self._publisher.part()
            self._journal.acknowledge(self._publisher.finished())

    def seal(self, name: str) -> None:
        """Seal the campaign. Raises InvalidInput if it has no accepted request.

        A dry run raises it for a list without rows alone.
        """
        if self._remote is None and not self._rows:
            raise InvalidInput(
                f"nothing to submit in {name}", expected="at least one valid row", got="no rows"
            )
        if (remote := self._remote) is None or self._producer is None or remote.closed:
            return
        if not (accepted := self._journal.accepted):
            wrong = f"{self._rejected.count:,} invalid rows" if self._rows else "no rows"
            remedy = f"see {self._rejected.path}" if self._rejected.path and self._rows else ""
            raise InvalidInput(
                f"nothing to submit in {name}",
                expected="at least one valid row",
                got=wrong,
                remedy=remedy,
            )
        if self._options.seal:
            failpoint("submit.sealing")
            remote.seal(self._producer, accepted)

    def report(self, campaign: str, seconds: float) -> SubmitReport:
        record = self._remote.record if self._remote else None
        return SubmitReport(
            campaign_id=campaign,
            state=record.state if record else None,
            rows=self._rows,
            accepted=self._journal.accepted
            if record is None or record.accepted is None
            else record.accepted,
            new=self._new,
            resumed=self._resumed,
            duplicates=self._duplicates,
            rejected=self._rejected.count,
            rejections=tuple(self._rejected.first),
            reasons=self._rejected.reasons,
            rejected_file=self._rejected.path if self._rejected.count else None,
            seconds=seconds,
        )

    def _has_all(self, remote: Remote) -> bool:
        """Return True if the journal has all that a closed campaign accepted.

        Other runs may have submitted to an open campaign since, so then this is False.
        """
        return (
            remote.closed
            and remote.record is not None
            and self._journal.accepted >= (remote.record.accepted or 0)
        )

    def _build(
        self, batch: list[Given], now: datetime, wrong: list[tuple[InvalidRow, Came | str]]
    ) -> Iterator[tuple[int, SpeechRequest, Came]]:
        for given in batch:
            if isinstance(given, BadRow):
                wrong.append((given.error, given.line))
                continue
            row, came = given
            try:
                yield row, self._builder.build(row, came, now), came
            except InvalidRow as error:
                wrong.append((error, came))

    def _new_entry(self, row: int, request: SpeechRequest, known: dict[str, Entry]) -> Entry | None:
        """Return an entry if the request is new, None if it was accepted before.

        Raises InvalidRow if its id was accepted with other content.
        """
        content = digest(request)
        entry = known.get(request.request_id)
        if entry is None:
            return Entry(request.request_id, content, row)
        if entry.digest != content:
            same_row = entry.row in (0, row)
            first = "this row when it was accepted" if same_row else f"row {entry.row}"
            field = self._options.id_column or "request_id"
            raise InvalidRow(
                row,
                field,
                expected=f"an id of its own, or the content of {first}",
                got=f"other content under {request.metadata.get('id', 'the same id')!r}",
            )
        if entry.row in (row, 0):
            self._resumed += 1
        else:
            self._duplicates += 1
        return None

    def _admit(self, row: int, request: SpeechRequest, now: datetime) -> bool:
        """Return True if a new request may be sent.

        Raises InvalidRow if its deadline is past, or if the campaign is closed.
        """
        remote = self._remote
        if remote and remote.closed:
            if self._whole and remote.record:
                record = remote.record
                got = f"a new one, and the campaign is {record.state} with {record.accepted:,}"
                raise InvalidRow(row, "", expected="a row that the campaign accepted", got=got)
            # The topics no longer keep the campaign's requests, so nobody can tell whether this row
            # was accepted.
            self._resumed += 1
            return False
        check_deadline(row, request, now)
        return True

    def _send(self, fresh: list[tuple[Entry, SpeechRequest, bytes]]) -> None:
        # 1. The campaign is announced before its first request.
        if self._remote and self._producer and self._remote.record is None:
            self._remote.open(
                self._producer,
                self._created_at,
                self._builder.deadline,
                deliver_late=self._options.deliver_late,
            )
        # 2. The intent is on disk before anything is sent: a crash leaves only recorded batches
        #    in doubt.
        batch = self._journal.intend(entry for entry, _, _ in fresh)
        failpoint("submit.intended")
        # 3. The batch is sent; `_note` marks it when all of it is acknowledged.
        if self._publisher:
            self._publisher.publish(batch, [(request, value) for _, request, value in fresh])
            failpoint("submit.sent")
        else:
            self._journal.acknowledge([batch])
        self._new += len(fresh)

    def _note(self) -> None:
        if self._publisher:
            failpoint("submit.noting")
            self._journal.acknowledge(self._publisher.finished())
            self._publisher.check()
        if self._remote:
            self._remote.check()
        if self._on_progress:
            self._on_progress(
                SubmitProgress(
                    rows=self._rows,
                    new=self._new,
                    acknowledged=self._publisher.acknowledged if self._publisher else None,
                    rejected=self._rejected.count,
                    resumed=self._resumed,
                )
            )
