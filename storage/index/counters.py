"""A campaign's figures. They move in the transaction that stores the results they count."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    func,
    select,
    update,
)

from seedcast.schemas.messages import STATUSES
from seedcast.storage.index.batch import RESULTS, upserting
from seedcast.storage.index.changes import following
from seedcast.storage.index.tables import CAMPAIGN_ERRORS, CAMPAIGNS, REQUESTS


@dataclass
class Counters:
    statuses: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    strays: int = 0
    audio_us: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def add(self, group: "Group") -> None:
        if group.is_stray:
            self.strays += group.count
            return
        self.statuses[group.status] += group.count
        if group.error_code is not None:
            self.errors[group.error_code] += group.count
        self.audio_us += group.audio_us
        self.first_ms = _chosen(min, self.first_ms, group.first_ms)
        self.last_ms = _chosen(max, self.last_ms, group.last_ms)


def _chosen(choose: Callable[[int, int], int], known: int | None, new: int) -> int:
    return new if known is None else choose(known, new)


@dataclass(frozen=True, slots=True)
class Group:
    """Results of one campaign that are counted alike."""

    campaign_key: int
    is_stray: bool
    status: str
    error_code: str | None
    count: int
    audio_us: int
    first_ms: int
    last_ms: int


def count_incoming(connection: Connection) -> set[int]:
    """Count the incoming results that are the first of their request; return their campaigns."""
    groups = _groups(connection, _INCOMING)
    keys = {group.campaign_key for group in groups}
    counters = _read(connection, keys)
    for group in groups:
        counters[group.campaign_key].add(group)
    for key in keys:
        _write(connection, key, counters[key])
    return keys


def count_anew(connection: Connection, key: int) -> None:
    """Count all results of a campaign, of which more or fewer are strays than before."""
    connection.execute(CAMPAIGN_ERRORS.delete().where(CAMPAIGN_ERRORS.c.campaign_key == key))
    counters = Counters()
    for group in _groups(connection, _STORED, {"campaign": key}):
        counters.add(group)
    _write(connection, key, counters)


_IS_STRAY = and_(CAMPAIGNS.c.list_state == "loaded", REQUESTS.c.row.is_(None))
_SAME = and_(
    REQUESTS.c.request_id == RESULTS.c.request_id,
    REQUESTS.c.campaign_key == RESULTS.c.campaign_key,
)


def _grouped(counted: Table, source: FromClause) -> Select[Any]:
    """Return the groups of results in `counted`, each beside its request and its campaign."""
    alike = (counted.c.campaign_key, _IS_STRAY, counted.c.status, counted.c.error_code)
    return (
        select(
            *alike,
            func.count(),
            func.coalesce(func.sum(counted.c.duration_us), 0),
            func.min(counted.c.ended_ms),
            func.max(counted.c.ended_ms),
        )
        .select_from(source.join(CAMPAIGNS, CAMPAIGNS.c.key == counted.c.campaign_key))
        .group_by(*alike)
    )


_INCOMING = _grouped(RESULTS, RESULTS.outerjoin(REQUESTS, _SAME)).where(REQUESTS.c.status.is_(None))
_STORED = _grouped(REQUESTS, REQUESTS).where(
    REQUESTS.c.campaign_key == bindparam("campaign"), REQUESTS.c.status.is_not(None)
)


def _groups(
    connection: Connection, query: Select[Any], values: dict[str, int] | None = None
) -> list[Group]:
    # A sum of BIGINT is NUMERIC in PostgreSQL.
    return [
        Group(key, bool(is_stray), status, code, count, int(audio_us), first, last)
        for key, is_stray, status, code, count, audio_us, first, last in connection.execute(
            query, values
        )
    ]


def _read(connection: Connection, keys: Collection[int]) -> dict[int, Counters]:
    campaigns = select(CAMPAIGNS).where(CAMPAIGNS.c.key.in_(keys))
    counters = {
        row.key: Counters(
            Counter({status: row._mapping[status] for status in STATUSES}),
            Counter(),
            row.strays,
            row.audio_us,
            row.first_ms,
            row.last_ms,
        )
        for row in connection.execute(campaigns)
    }
    errors = select(CAMPAIGN_ERRORS).where(CAMPAIGN_ERRORS.c.campaign_key.in_(keys))
    for key, code, count in connection.execute(errors):
        counters[key].errors[code] = count
    return counters


def _write(connection: Connection, key: int, counters: Counters) -> None:
    values: dict[str, Any] = {
        "changed": following(),
        **{status: counters.statuses[status] for status in STATUSES},
        "strays": counters.strays,
        "audio_us": counters.audio_us,
        "first_ms": counters.first_ms,
        "last_ms": counters.last_ms,
    }
    connection.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.key == key).values(values))
    if not counters.errors:
        return
    insert = upserting(connection)(CAMPAIGN_ERRORS)
    upsert = insert.on_conflict_do_update(
        index_elements=[CAMPAIGN_ERRORS.c.campaign_key, CAMPAIGN_ERRORS.c.code],
        set_={"count": insert.excluded["count"]},
    )
    errors = counters.errors.items()
    connection.execute(
        upsert, [{"campaign_key": key, "code": code, "count": count} for code, count in errors]
    )
