"""Queries of campaigns: their figures are kept, so none of them counts requests."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, select

from seedcast.campaigns.progress import NAMED, Progress
from seedcast.codec import decode_campaign
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.requests_query import Segment
from seedcast.storage.index.tables import CAMPAIGN_ERRORS, CAMPAIGNS, CURSORS
from seedcast.storage.index.values import moment

_SAME_LIST = and_(
    CURSORS.c.campaign_id == CAMPAIGNS.c.campaign_id, CURSORS.c.staging == CAMPAIGNS.c.staging
)
CAMPAIGN = select(CAMPAIGNS, CURSORS.c.fed, CURSORS.c.rendering, CURSORS.c.held).select_from(
    CAMPAIGNS.outerjoin(CURSORS, _SAME_LIST)
)


def read_all(connection: Connection) -> list[IndexedCampaign]:
    """Return all campaigns, the oldest first; last those without a record."""
    order = (CAMPAIGNS.c.record.is_(None), CAMPAIGNS.c.created_ms, CAMPAIGNS.c.campaign_id)
    errors = dict[int, dict[str, int]]()
    for key, code, count in connection.execute(_errors()):
        errors.setdefault(key, {})[code] = count
    rows = connection.execute(CAMPAIGN.order_by(*order)).all()
    return [_campaign(connection, row, errors.get(row.key, {})) for row in rows]


def read_one(connection: Connection, campaign_id: str) -> IndexedCampaign | None:
    found = connection.execute(CAMPAIGN.where(CAMPAIGNS.c.campaign_id == campaign_id)).one_or_none()
    if found is None:
        return None
    errors = connection.execute(_errors().where(CAMPAIGN_ERRORS.c.campaign_key == found.key))
    return _campaign(connection, found, {code: count for _, code, count in errors})


def read(connection: Connection, rows: Sequence[Any]) -> list[IndexedCampaign]:
    """Return the campaigns of rows of `CAMPAIGN`."""
    keys = [row.key for row in rows]
    errors = dict[int, dict[str, int]]()
    some = _errors().where(CAMPAIGN_ERRORS.c.campaign_key.in_(keys))
    for key, code, count in connection.execute(some) if keys else ():
        errors.setdefault(key, {})[code] = count
    return [_campaign(connection, row, errors.get(row.key, {})) for row in rows]


def _errors() -> Any:
    table = CAMPAIGN_ERRORS
    return select(table).order_by(table.c.campaign_key, table.c["count"].desc(), table.c.code)


def _campaign(connection: Connection, row: Any, errors: dict[str, int]) -> IndexedCampaign:
    return IndexedCampaign(
        campaign_id=row.campaign_id,
        campaign=decode_campaign(row.record) if row.record is not None else None,
        progress=_progress(row, _stray_ids(connection, row)),
        errors=errors,
        fed=row.fed or 0,
        rendering=row.rendering or 0,
        held=row.held,
        list_state=row.list_state,
        list_problem=row.list_problem,
        pruned_at=None if row.pruned_ms is None else moment(row.pruned_ms),
    )


def _stray_ids(connection: Connection, row: Any) -> Iterable[str]:
    """Return the first of them, by their ids."""
    if not row.strays:
        return ()
    strays = Segment(campaign_key=row.key, campaign_id=row.campaign_id, listed=False)
    return (each.request_id for each in strays.read(connection, None, NAMED))


def _progress(row: Any, stray_ids: Iterable[str]) -> Progress:
    finished = row.succeeded + row.failed + row.expired + row.cancelled
    seconds = (row.last_ms - row.first_ms) / 1000 if finished else 0
    return Progress(
        accepted=row.accepted,
        succeeded=row.succeeded,
        failed=row.failed,
        expired=row.expired,
        cancelled=row.cancelled,
        audio_seconds=row.audio_us / 1_000_000,
        rate=finished / seconds if seconds > 0 else None,
        strays=row.strays,
        stray_ids=tuple(stray_ids),
        certain=row.list_state != "pending" or finished < (row.accepted or 0),
    )
