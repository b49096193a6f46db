"""What the index answers. Every question is one short transaction, or a row of them."""

from collections.abc import Collection, Iterator

from sqlalchemy import and_, func, literal, select

from seedcast.schemas.messages import ErrorCode, Status
from seedcast.settings import Settings
from seedcast.storage.index import campaigns_query, changes, sampling, sqlite
from seedcast.storage.index.changes import Change
from seedcast.storage.index.database import Database, check_revision, connect
from seedcast.storage.index.indexed import IndexedCampaign, IndexedRequest, Page
from seedcast.storage.index.pruning import require_requests
from seedcast.storage.index.requests_query import (
    REQUEST,
    Place,
    Segment,
    as_request,
    parse_place,
    request_of,
)
from seedcast.storage.index.sampling import Sample
from seedcast.storage.index.tables import CAMPAIGNS, METADATA, OWN_ID_START, POSITIONS, REQUESTS
from seedcast.storage.index.values import SHORT, plain

_AT_ONCE = 1000  # requests in memory while all are read


def open_index(settings: Settings) -> "Index | None":
    """Return the index; None if no URL is set, or no index is there yet.

    Pass settings that went through `embedded.connected`. Raises as `open_database` does, and
    IndexUnavailable if somebody keeps a table locked.
    """
    url = settings.index.url
    if not url or (url.startswith("sqlite:") and not sqlite.path_of(settings.index).exists()):
        return None
    database = connect(settings.index, read_only=True)
    try:
        if (revision := database.revision()) is None:
            database.close()
            return None
        check_revision(revision)
        _touch_tables(database)
    except Exception:
        database.close()
        raise
    return Index(database)


def _touch_tables(database: Database) -> None:
    """Ask each for nothing: a lock shows now, while a command can still read the topics instead."""
    with database.transaction("opening the results index") as connection:
        for table in METADATA.sorted_tables:
            connection.execute(select(table).limit(0))


class Index:
    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> "Index":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def campaigns(self) -> list[IndexedCampaign]:
        """Return all, the oldest first; last those that have no record."""
        with self._database.transaction("listing campaigns") as connection:
            return campaigns_query.read_all(connection)

    def campaign(self, campaign_id: str) -> IndexedCampaign | None:
        with self._database.transaction(f"looking up campaign {campaign_id}") as connection:
            return campaigns_query.read_one(connection, campaign_id)

    def changes(
        self,
        after: int,
        *,
        limit: int,
        tenant: str | None = None,
        campaign_id: str | None = None,
        live: bool = False,
    ) -> list[Change]:
        """Return at most `limit` campaigns that have changed after the number, in their order.

        `live`: only those that are neither completed nor cancelled.
        """
        with self._database.transaction("looking for changed campaigns") as connection:
            return changes.read_after(
                connection, after, limit, tenant=tenant, campaign_id=campaign_id, live=live
            )

    def newest_change(self) -> int:
        """Return the number of the last change; 0 if there is none."""
        with self._database.transaction("looking for changed campaigns") as connection:
            return changes.newest(connection)

    def request(self, request_id: str, campaign_id: str | None = None) -> IndexedRequest | None:
        """Return a request; without a campaign, that of the first with a record, or else of any."""
        query = REQUEST.where(REQUESTS.c.request_id == request_id)
        if campaign_id is not None:
            query = query.where(CAMPAIGNS.c.campaign_id == campaign_id)
        query = query.order_by(CAMPAIGNS.c.record.is_(None), REQUESTS.c.campaign_key).limit(1)
        with self._database.transaction(f"looking up request {request_id}") as connection:
            found = connection.execute(query).one_or_none()
        return as_request(*found) if found else None

    def find(self, campaign_id: str, own_id: str) -> list[IndexedRequest]:
        """Return the requests with the list's own id; if none, with the request id; if none, the
        row number. Raises InvalidInput if they were deleted."""
        whole = plain(own_id)
        is_own = and_(
            literal(whole[:SHORT]) == OWN_ID_START,
            # Not `own_id == whole`: SQLite would put that into the expression of the index, too,
            # and read the whole campaign.
            func.substr(REQUESTS.c.own_id, SHORT + 1) == whole[SHORT:],
            REQUESTS.c.own_id.is_not(None),
        )
        readings = [is_own, REQUESTS.c.request_id == own_id]
        if own_id.isascii() and own_id.isdigit() and len(own_id) < 19:
            readings.append(REQUESTS.c.row == int(own_id))
        with self._database.transaction(f"looking for {own_id}") as connection:
            require_requests(connection, campaign_id)
            for reading in readings:
                # Not ordered by SQL: SQLite would walk the whole list in that order.
                if found := connection.execute(request_of(campaign_id, reading)).all():
                    return sorted((as_request(*row) for row in found), key=_order)
        return []

    def requests(
        self,
        campaign_id: str,
        *,
        after: str | None = None,
        limit: int = 100,
        status: Status | None = None,
        statuses: Collection[Status | None] | None = None,
        error: ErrorCode | None = None,
    ) -> Page:
        """Return a page in the list's order; events and strays come last, by request id.

        `after`: that of the page before. `status` is one alone, `statuses` are as for `rows`.
        Raises InvalidInput if `after` is none, and if the requests were deleted.
        """
        place = parse_place(after) if after is not None else None
        found = list[IndexedRequest]()
        for segment in self._segments(campaign_id, {status} if status else statuses, error):
            is_here = place is not None and (place.row is not None) == segment.listed
            if place is None or is_here or not segment.listed:
                wanted = limit + 1 - len(found)
                found += self._read(segment, place if is_here else None, wanted)
        is_last = len(found) <= limit
        found = found[:limit]
        return Page(requests=tuple(found), after=None if is_last else str(_place(found[-1])))

    def rows(
        self, campaign_id: str, *, statuses: Collection[Status | None] | None = None
    ) -> Iterator[IndexedRequest]:
        """Yield all requests in the list's order, without strays; at flat memory.

        Without a loaded list: those with a result, by request id. `statuses`: only these; None
        among them stands for no result yet. Each is as it was when it was read. Raises InvalidInput
        if they were deleted, also meanwhile.
        """
        for segment in self._segments(campaign_id, statuses):
            if segment.listed or not segment.has_list:
                yield from self._all(segment)
        with self._database.transaction(f"looking up campaign {campaign_id}") as connection:
            require_requests(connection, campaign_id)

    def sample(self, campaign_id: str, rows: int | None, finished: int) -> Sample:
        """Return when some of a campaign's requests ended; see `sampling`. At a bounded cost."""
        with self._database.transaction(f"sampling campaign {campaign_id}") as connection:
            return sampling.sample(connection, campaign_id, rows, finished)

    def latest(self, campaign_id: str, near: Collection[int], limit: int) -> list[IndexedRequest]:
        """Return the requests that ended last, near the rows of a sample that ended last."""
        with self._database.transaction(f"reading campaign {campaign_id}") as connection:
            return sampling.latest(connection, campaign_id, near, limit)

    def strays(self, campaign_id: str) -> Iterator[IndexedRequest]:
        """Yield the requests with a result that are not in the loaded list, by request id."""
        for segment in self._segments(campaign_id):
            if segment.has_list and not segment.listed:
                yield from self._all(segment)

    def results(self, campaign_id: str | None = None) -> Iterator[bytes]:
        """Yield the manifest of each first result, strays' too; of one campaign, or all.

        Raises InvalidInput if those of the one were deleted; of all, others are left out.
        """
        with self._database.transaction("listing campaigns") as connection:
            known = connection.scalars(select(CAMPAIGNS.c.campaign_id).order_by(CAMPAIGNS.c.key))
            chosen = [campaign_id] if campaign_id is not None else known.all()
        pruned = self.pruned() if campaign_id is None else ()
        names = (name for name in chosen if name not in pruned)
        for segment in (each for name in names for each in self._segments(name)):
            for request in self._all(segment):
                if request.manifest is not None:
                    yield request.manifest

    def pruned(self) -> frozenset[str]:
        """Return the campaigns whose requests were deleted."""
        query = select(CAMPAIGNS.c.campaign_id).where(CAMPAIGNS.c.pruned_ms.is_not(None))
        with self._database.transaction("listing pruned campaigns") as connection:
            return frozenset(connection.scalars(query))

    def next_offsets(self) -> dict[int, int]:
        """Return how far the results topic is read: partition → next offset."""
        query = select(POSITIONS.c.partition, POSITIONS.c.next_offset)
        with self._database.transaction("reading the index's positions") as connection:
            return {row.partition: row.next_offset for row in connection.execute(query)}

    def _segments(
        self,
        campaign_id: str,
        statuses: Collection[Status | None] | None = None,
        error: str | None = None,
    ) -> list[Segment]:
        """Return the two parts of a campaign in their order; none if it is not known.

        Raises InvalidInput if they were deleted.
        """
        query = select(CAMPAIGNS.c.key, CAMPAIGNS.c.list_state)
        query = query.where(CAMPAIGNS.c.campaign_id == campaign_id)
        with self._database.transaction(f"looking up campaign {campaign_id}") as connection:
            require_requests(connection, campaign_id)
            found = connection.execute(query).one_or_none()
        if found is None:
            return []
        return [
            Segment(
                campaign_key=found.key,
                campaign_id=campaign_id,
                has_list=found.list_state == "loaded",
                listed=listed,
                statuses=statuses,
                error=error,
            )
            for listed in (True, False)
        ]

    def _all(self, segment: Segment) -> Iterator[IndexedRequest]:
        place: Place | None = None
        while page := self._read(segment, place, _AT_ONCE):
            yield from page
            place = _place(page[-1])

    def _read(self, segment: Segment, after: Place | None, limit: int) -> list[IndexedRequest]:
        with self._database.transaction(f"reading campaign {segment.campaign_id}") as connection:
            return segment.read(connection, after, limit)


def _order(request: IndexedRequest) -> tuple[bool, int, str]:
    return request.row is None, request.row or 0, request.request_id


def _place(request: IndexedRequest) -> Place:
    return Place(request.row, request.request_id)
