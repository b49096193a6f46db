"""Which request is meant, and where it is."""

from collections.abc import Iterator
from datetime import UTC, datetime

from seedcast.campaigns.cursor_topic import read_cursors
from seedcast.errors import InvalidInput
from seedcast.kafka import Partition, partitioner
from seedcast.schemas.messages import Campaign, Cursor, SpeechResult, Status
from seedcast.schemas.topics import LANES
from seedcast.settings import Settings
from seedcast.storage.index.indexed import IndexedCampaign, IndexedRequest
from seedcast.storage.index.lookup import unread
from seedcast.storage.index.reader import Index
from seedcast.storage.objects import ObjectStore
from seedcast.storage.staged_lists import StagedRow
from seedcast.storage.where.report import State, Step, Where
from seedcast.storage.where.staged import find_rejection, find_row
from seedcast.storage.where.topics import Found, OnTopics
from seedcast.storage.where.unfed import why_unfed

_STATES: dict[Status, State] = {
    "succeeded": "delivered",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
}


def where(
    settings: Settings, store: ObjectStore, index: Index, found: IndexedCampaign, wanted: str
) -> list[Where]:
    """Say where a request is: by the list's own id, a row's number, or a request id.

    An own id may be that of several. Raises InvalidInput if there is none, and what Kafka, the
    store and the index raise.
    """
    search = _Search(settings, store, index, found)
    requests = index.find(found.campaign_id, wanted)
    if requests:
        return [search.of_request(request) for request in requests]
    return [search.of_unknown(wanted)]


class _Search:
    def __init__(
        self, settings: Settings, store: ObjectStore, index: Index, found: IndexedCampaign
    ) -> None:
        self._settings, self._store, self._index = settings, store, index
        self._name, self._record = found.campaign_id, found.campaign
        self._is_listed = found.list_state == "loaded"
        self._topics = OnTopics(settings)

    def of_request(self, request: IndexedRequest) -> Where:
        steps = [*self._began()] if request.row is not None else []
        if request.result:
            return self._ended(request, request.result, request.ended_at, steps)
        if self._record is None or request.row is None:
            return _where(request, "unknown", "it has no result, and no list has it", steps)
        answer = self._under_way(request, self._record, request.row, steps)
        late = self._unread(request.request_id) if answer.state in ("spoken", "unknown") else None
        return self._ended(request, *late, steps) if late else answer

    def of_unknown(self, wanted: str) -> Where:
        """Look for a rejected row; without a readable list, also for a request on its topic."""
        if self._record and (rejection := find_rejection(self._store, self._record, wanted)):
            field = f"field {rejection.field!r}: " if rejection.field else ""
            why = f"{field}expected {rejection.expected}; the row was not accepted"
            return Where(
                campaign_id=self._name,
                state="rejected",
                why=why,
                row=rejection.row,
                steps=(Step("rejected", self._record.created_at),),
            )
        if not self._is_listed and (answer := self._event(wanted)):
            return answer
        raise InvalidInput(
            f"{wanted} of campaign {self._name}",
            expected="the list's own id, a row's number, or a request id",
            got="none such",
            remedy=f"`seedcast export {self._name} -o list.csv` writes all of them",
        )

    def _event(self, wanted: str) -> Where | None:
        topics = [self._settings.topic(lane.requests) for lane in LANES.values()]
        since = self._record.created_at if self._record else None
        places = self._topics.places(topics)
        found = self._topics.request(self._name, wanted, places) or (
            self._topics.request(self._name, wanted, places, since) if since else None
        )
        if not found or not found.request:
            return None
        sent = found.request
        request = IndexedRequest(
            campaign_id=self._name,
            request_id=sent.request_id,
            row=None,
            own_id=sent.metadata.get("id"),
        )
        answer = self._on_topics(request, found, [Step("sent", sent.submitted_at)])
        late = self._unread(sent.request_id) if answer.state in ("spoken", "unknown") else None
        return self._ended(request, *late, list(answer.steps[:1])) if late else answer

    def _under_way(
        self, request: IndexedRequest, record: Campaign, row: int, steps: list[Step]
    ) -> Where:
        listed = find_row(self._store, record, row)
        if listed is None:
            return _where(request, "unknown", "its staged list does not have it", steps)
        position, staged = listed
        cursor = read_cursors(self._settings).of(record)
        if not _is_fed(cursor, position):
            why = why_unfed(record, cursor, position, datetime.now(UTC))
            return _where(request, "staged", why, steps)
        place = self._place(record, staged)
        found = self._topics.request(self._name, request.request_id, [place])
        if found is None and (audio := self._topics.audio(request.request_id)):
            return self._spoken(request, audio, steps)
        found = found or self._topics.request(
            self._name, request.request_id, [place], record.created_at
        )
        if found is None:
            why = (
                "it was fed, and the requests topics do not have it any more, nor is there a"
                " result; it is not fed again: submit it under another name"
            )
            return _where(request, "unknown", why, steps)
        return self._on_topics(request, found, steps)

    def _on_topics(self, request: IndexedRequest, found: Found, steps: list[Step]) -> Where:
        steps = [*steps, Step("fed", found.at, found.facts)]
        before = f"{found.before:,} requests before it in its partition"
        if not found.done:
            if found.later or not found.before:
                return _where(request, "in_work", f"a GPU consumer is at it; {before}", steps)
            return _where(request, "waiting", f"for a GPU consumer; {before}", steps)
        if audio := self._topics.audio(request.request_id):
            return self._spoken(request, audio, steps)
        why = "a GPU consumer has done it, and no waveform of it waits; its result should come"
        return _where(request, "spoken", why, steps)

    def _spoken(self, request: IndexedRequest, audio: Found, steps: list[Step]) -> Where:
        why = f"its waveform waits for post-processing; {audio.before:,} before it in its partition"
        return _where(request, "spoken", why, [*steps, Step("spoken", audio.at, audio.facts)])

    def _ended(
        self,
        request: IndexedRequest,
        result: SpeechResult,
        at: datetime | None,
        steps: list[Step],
    ) -> Where:
        stored = [self._stored(rendition.uri, rendition.profile) for rendition in result.renditions]
        state, error = _STATES[result.status], result.error
        why = f"{error.code}: {error.message}" if error else _audio(result)
        return _where(request, state, why, [*steps, *stored, Step(state, at)])

    def _stored(self, uri: str, profile: str) -> Step:
        info = self._store.stat(uri)
        facts = {"profile": profile, "uri": uri}
        return Step("stored", info.modified, facts) if info else Step("not stored", None, facts)

    def _unread(self, request_id: str) -> tuple[SpeechResult, datetime] | None:
        results = unread(self._settings, self._index)
        return next((found for found in results if found[0].request_id == request_id), None)

    def _place(self, record: Campaign, staged: StagedRow) -> Partition:
        topic = self._settings.topic(LANES[staged.priority].requests)
        spread = record.staged.spread if record.staged else None
        if spread is None:
            spread = self._settings.kafka.spread
        key, partitions = partitioner.key(staged.voice_seed), self._topics.partitions(topic)
        number = partitioner.partition(key, staged.request_id.encode(), spread, partitions)
        return Partition(topic, number)

    def _began(self) -> Iterator[Step]:
        if self._record:
            yield Step("staged", self._record.created_at.astimezone(UTC))


def _is_fed(cursor: Cursor | None, position: int) -> bool:
    return cursor is not None and position < cursor.fed and position not in cursor.unfed


def _audio(result: SpeechResult) -> str:
    each = ", ".join(f"{r.profile} {r.duration:.1f} s" for r in result.renditions)
    return f"its audio is stored: {each}" if each else "it has no audio"


def _where(request: IndexedRequest, state: State, why: str, steps: list[Step]) -> Where:
    return Where(
        campaign_id=request.campaign_id,
        request_id=request.request_id,
        row=request.row,
        own_id=request.own_id,
        state=state,
        why=why,
        steps=tuple(steps),
    )
