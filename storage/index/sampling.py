"""When a campaign's requests ended, told from a bounded number of them.

A list is spoken about in its order, so rows at equal distances tell when the rows between them
ended: a thousand look-ups by an index, for a list of any length. A campaign of events has no rows;
its request ids are hashes, so that the first of them are a fair sample.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from seedcast.storage.index.indexed import IndexedRequest
from seedcast.storage.index.requests_query import REQUEST, as_request
from seedcast.storage.index.tables import CAMPAIGNS, REQUESTS
from seedcast.storage.index.values import moment

SAMPLED = 1000  # requests
FRONTS = 2  # rows of a sample, near which those that ended last are looked for
BEFORE, BEYOND = 50, 450  # rows beside each: what is spoken moves on through the list


@dataclass(frozen=True, kw_only=True)
class Sample:
    """`ended`: by what row (None in a campaign of events) and when, the earliest first."""

    ended: Sequence[tuple[int | None, datetime]]
    each: float  # how many ended requests one of them stands for

    @property
    def latest_rows(self) -> list[int]:
        """Return the rows that ended last: more than one, as a straggler's neighbours did not."""
        return [row for row, _ in self.ended[-FRONTS:] if row is not None]


def sample(connection: Connection, campaign_id: str, rows: int | None, finished: int) -> Sample:
    """`rows`: of its list; None for one of events. `finished`: how many ended by its counts."""
    ended = REQUESTS.c.ended_ms
    query = _of(campaign_id, select(REQUESTS.c.row, ended)).where(ended.is_not(None))
    if rows is None:
        query = query.where(REQUESTS.c.row.is_(None)).order_by(REQUESTS.c.request_id).limit(SAMPLED)
    else:
        step = max(1, rows // SAMPLED)
        query = query.where(REQUESTS.c.row.in_(range(1, rows + 1, step)))
    found = sorted(connection.execute(query), key=lambda row: row.ended_ms)
    return Sample(
        ended=[(row.row, moment(row.ended_ms)) for row in found],
        each=max(1.0, finished / len(found)) if found else 1.0,
    )


def latest(
    connection: Connection, campaign_id: str, near: Collection[int], limit: int
) -> list[IndexedRequest]:
    """Return those that ended last, the latest first, among the neighbours of these rows.

    Without rows: among the first requests of a campaign of events.
    """
    query = REQUEST.where(CAMPAIGNS.c.campaign_id == campaign_id, REQUESTS.c.ended_ms.is_not(None))
    if near:
        rows = {each for row in near for each in range(row - BEFORE, row + BEYOND)}
        some: Any = query.where(REQUESTS.c.row.in_(rows)).subquery()
    else:
        first = query.where(REQUESTS.c.row.is_(None)).order_by(REQUESTS.c.request_id)
        some = first.limit(SAMPLED).subquery()
    newest = select(some).order_by(some.c.ended_ms.desc(), some.c.request_id).limit(limit)
    return [as_request(*each) for each in connection.execute(newest)]


def _of(campaign_id: str, query: Select[Any]) -> Select[Any]:
    joined = query.join_from(REQUESTS, CAMPAIGNS, CAMPAIGNS.c.key == REQUESTS.c.campaign_key)
    return joined.where(CAMPAIGNS.c.campaign_id == campaign_id)
