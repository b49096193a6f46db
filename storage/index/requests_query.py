"""Queries of requests, each by an index, and from where the last one ended: never by an offset.

A campaign's order is that of its list, then what is in no list, by request id.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

from sqlalchemy import Connection, Select, or_, select, tuple_, union_all
from sqlalchemy.sql import ColumnElement

from seedcast.errors import InvalidInput
from seedcast.schemas.messages import ErrorCode, Status
from seedcast.storage.index.indexed import IndexedRequest
from seedcast.storage.index.tables import CAMPAIGNS, REQUESTS
from seedcast.storage.index.values import moment

# Which error codes a status has. A result without an error has its status for a code.
_CODES: dict[str, tuple[str, ...]] = {
    "expired": ("expired",),
    "cancelled": ("cancelled",),
    "failed": ("failed", *(code for code in get_args(ErrorCode))),
}

_PLACE = re.compile(r"[0-9]{0,18}:[A-Za-z0-9_-]{8,64}")  # bounds of a BIGINT and of RequestId

_COLUMNS = (
    REQUESTS.c.request_id,
    REQUESTS.c.row,
    REQUESTS.c.own_id,
    REQUESTS.c.status,
    REQUESTS.c.error_code,
    REQUESTS.c.duration_us,
    REQUESTS.c.draw,
    REQUESTS.c.ended_ms,
    REQUESTS.c.manifest,
)
# One request, with the name of its campaign first.
REQUEST: Select[Any] = select(CAMPAIGNS.c.campaign_id, *_COLUMNS).join_from(
    REQUESTS, CAMPAIGNS, CAMPAIGNS.c.key == REQUESTS.c.campaign_key
)


def request_of(campaign_id: str, chosen: ColumnElement[bool]) -> Select[Any]:
    """Return the query of a campaign's requests of which something holds."""
    return REQUEST.where(CAMPAIGNS.c.campaign_id == campaign_id, chosen)


class Place(NamedTuple):
    """A request's place in the order of its campaign."""

    row: int | None
    request_id: str

    def __str__(self) -> str:
        return f"{'' if self.row is None else self.row}:{self.request_id}"


def parse_place(text: str) -> Place:
    """Raises InvalidInput."""
    if _PLACE.fullmatch(text) is None:
        raise InvalidInput(
            "the place of a page",
            expected="what the page before ends with, ROW:REQUEST_ID",
            got=repr(text),
        )
    row, _, request_id = text.partition(":")
    return Place(int(row) if row else None, request_id)


@dataclass(frozen=True, kw_only=True)
class Segment:
    """The requests of a campaign that are in its list, or those that are not; or some of them."""

    campaign_key: int
    campaign_id: str
    listed: bool
    has_list: bool = False  # it has a list, which is loaded
    statuses: Collection[Status | None] | None = None  # None: whatever they are
    error: str | None = None

    def read(self, connection: Connection, after: Place | None, limit: int) -> list[IndexedRequest]:
        """Return at most `limit`, in order, after a place of this segment."""
        rows = connection.execute(self.query(after, limit))
        return [as_request(self.campaign_id, *row) for row in rows]

    def query(self, after: Place | None, limit: int) -> Select[Any]:
        here = self._ordered(after, limit)
        if self.error is not None:
            here = here.where(REQUESTS.c.error_code == self.error)
        if self.statuses is None:
            return here
        if (codes := self._codes()) is None:
            return here.where(_is_one_of(self.statuses))
        # One range of the index per code, each in the list's order.
        ranges = [
            select(here.where(REQUESTS.c.error_code == code, _is_one_of(self.statuses)).subquery())
            for code in codes
        ]
        merged = union_all(*ranges).subquery()
        return select(merged).order_by(merged.c.row, merged.c.request_id).limit(limit)

    def _ordered(self, after: Place | None, limit: int) -> Select[Any]:
        columns, row = REQUESTS.c, REQUESTS.c.row
        here = select(*_COLUMNS).where(columns.campaign_key == self.campaign_key)
        here = here.where(row.is_not(None) if self.listed else row.is_(None))
        if after is not None and self.listed:
            here = here.where(tuple_(row, columns.request_id) > (after.row, after.request_id))
        elif after is not None:
            here = here.where(columns.request_id > after.request_id)
        return here.order_by(row, columns.request_id).limit(limit)

    def _codes(self) -> list[str] | None:
        """Return the error codes of the statuses; None if one of them is no error."""
        if self.error is not None or not all(each in _CODES for each in self.statuses or ()):
            return None
        return sorted({code for each in self.statuses or () for code in _CODES[str(each)]})


def _is_one_of(statuses: Collection[Status | None]) -> ColumnElement[bool]:
    named = REQUESTS.c.status.in_([each for each in statuses if each is not None])
    return or_(named, REQUESTS.c.status.is_(None)) if None in statuses else named


def as_request(
    campaign_id: str,
    request_id: str,
    row: int | None,
    own_id: str | None,
    status: Status | None,
    error_code: str | None,
    duration_us: int | None,
    draw: int | None,
    ended_ms: int | None,
    manifest: bytes | None,
) -> IndexedRequest:
    """Return a request from a row of `REQUEST`."""
    return IndexedRequest(
        campaign_id=campaign_id,
        request_id=request_id,
        row=row,
        own_id=own_id,
        status=status,
        error_code=error_code,
        duration=None if duration_us is None else duration_us / 1_000_000,
        draw=draw,
        ended_at=None if ended_ms is None else moment(ended_ms),
        manifest=manifest,
    )
