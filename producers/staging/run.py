"""One submission under way: rows are built, compared with those before, counted and written."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from seedcast.campaigns.set_digest import SetDigest
from seedcast.errors import InvalidRow
from seedcast.failpoints import failpoint
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.content import check_deadline, digest, encode
from seedcast.producers.rows.rows import BadRow
from seedcast.producers.rows.values import printable
from seedcast.producers.staging.id_runs import Known
from seedcast.producers.staging.known_ids import KnownIds
from seedcast.producers.staging.options import OnProgress, OnRequest, SubmitProgress
from seedcast.producers.staging.part_writer import PartWriter
from seedcast.producers.staging.rejected import Rejected
from seedcast.schemas.messages import SpeechRequest
from seedcast.storage.staged_lists import StagedRow

Came = Mapping[str, object] | SpeechRequest | StagedRow
Given = tuple[int, Came] | BadRow


class Run:
    """Takes a list batch by batch."""

    def __init__(
        self,
        builder: Builder,
        created_at: datetime,
        id_column: str | None,
        known: KnownIds,
        rejected: Rejected,
        writer: PartWriter | None,
        on_progress: OnProgress | None,
        on_request: OnRequest | None = None,
    ) -> None:
        """`writer`: None if nothing is to be stored."""
        self._builder, self._created_at, self._id_column = builder, created_at, id_column
        self._known, self._rejected, self._writer = known, rejected, writer
        self._on_progress, self._on_request = on_progress, on_request
        self.rows = self.accepted = self.duplicates = 0
        self.digest, self.ids_digest = SetDigest(), SetDigest()

    def take(self, batch: list[Given]) -> None:
        self.rows += len(batch)
        wrong: list[tuple[InvalidRow, object]] = []
        built = list(self._build(batch, wrong))
        known = self._known.find([request.request_id for _, request, _ in built])
        fresh = dict[str, Known]()
        for row, request, came in built:
            try:
                entry, request_id = Known(digest(request), row), request.request_id
                earlier = known.get(request_id) or fresh.get(request_id)
                if self._is_new(entry, request, earlier):
                    self._accept(row, request, came, entry)
                    fresh[request_id] = entry
            except InvalidRow as error:
                wrong.append((error, came))
        for problem, what in sorted(wrong, key=lambda pair: pair[0].row):
            self._rejected.add(problem, what)
        self._known.add(fresh)
        failpoint("submit.taken")
        self.report()

    def report(self, waiting: str | None = None) -> None:
        """Tell how far the run is. `waiting`: what is out of reach."""
        if self._on_progress:
            self._on_progress(
                SubmitProgress(
                    rows=self.rows,
                    accepted=self.accepted,
                    rejected=self._rejected.count,
                    waiting=waiting,
                )
            )

    def _build(
        self, batch: list[Given], wrong: list[tuple[InvalidRow, object]]
    ) -> Iterator[tuple[int, SpeechRequest, Came]]:
        for given in batch:
            if isinstance(given, BadRow):
                wrong.append((given.error, given.line))
                continue
            row, came = given
            values = came.request if isinstance(came, StagedRow) else came
            try:
                yield row, self._builder.build(row, values, self._created_at), came
            except InvalidRow as error:
                wrong.append((error, came))

    def _is_new(self, entry: Known, request: SpeechRequest, earlier: Known | None) -> bool:
        """Return False if an earlier row is the same.

        Raises InvalidRow if an earlier row has its id with other content.
        """
        if earlier is None:
            return True
        if earlier.digest != entry.digest:
            raise InvalidRow(
                entry.row,
                self._id_column or "request_id",
                expected=f"an id of its own, or the content of row {earlier.row}",
                got=f"other content under {request.metadata.get('id', 'the same id')!r}",
            )
        self.duplicates += 1
        return False

    def _accept(self, row: int, request: SpeechRequest, came: Came, entry: Known) -> None:
        """Raises InvalidRow if the request is larger than its topic accepts, or late already."""
        check_deadline(row, request, self._created_at)
        value = encode(row, request)
        if self._writer:
            source = _source(came)
            self._writer.add(
                StagedRow(
                    row, request.request_id, request.voice_seed, request.priority, value, source
                )
            )
        self.accepted += 1
        identity = request.request_id.encode()
        self.ids_digest.add(identity)
        self.digest.add(identity + entry.digest)
        if self._on_request:
            self._on_request(request, value)


def _source(came: Came) -> bytes | None:
    """Return the row's own columns as a JSON object; None if the caller made the request."""
    if isinstance(came, StagedRow):
        return came.source
    if isinstance(came, SpeechRequest):
        return None
    try:
        return msgspec.json.encode(came, enc_hook=str)
    except (TypeError, ValueError, RecursionError):  # a value made in Python may not fit JSON
        return msgspec.json.encode({name: printable(value) for name, value in came.items()})
