"""Campaigns in the order of their last changes, so that a reader can ask what is new.

Every change of a campaign gives it a number above all others. Writers wait for each other, so a
reader that has seen a number misses nothing below it. Numbers begin at the time in milliseconds:
those of an index that was made anew are above those of the old one, and a reader sees all again.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, case, func, select, update
from sqlalchemy.sql import ColumnElement

from seedcast.storage.index.campaigns_query import CAMPAIGN, read
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.tables import CAMPAIGNS
from seedcast.storage.index.values import unix_ms

_ENDED = ("completed", "cancelled")


class Change(NamedTuple):
    number: int
    campaign: IndexedCampaign  # as it is now: what it was between two questions is not told


def following() -> ColumnElement[int]:
    """Return the number of a change that is written now."""
    others = CAMPAIGNS.alias()  # else the query would be of the row that is written
    newest = select(func.coalesce(func.max(others.c.changed), 0)).scalar_subquery()
    now = unix_ms(datetime.now(UTC))
    return case((newest >= now, newest + 1), else_=now)


def mark(connection: Connection, campaign_ids: Iterable[str]) -> None:
    """Say that campaigns have changed, beside their own rows."""
    marked = update(CAMPAIGNS).where(CAMPAIGNS.c.campaign_id == bindparam("name"))
    if names := [{"name": name} for name in campaign_ids]:
        connection.execute(marked.values(changed=following()), names)


def newest(connection: Connection) -> int:
    """Return the number of the last change; 0 if there is none."""
    return connection.scalar(select(func.max(CAMPAIGNS.c.changed))) or 0


def read_after(
    connection: Connection,
    number: int,
    limit: int,
    *,
    tenant: str | None = None,
    campaign_id: str | None = None,
    live: bool = False,
) -> list[Change]:
    """Return what has changed after a number, in order: of one tenant, of one campaign, or all.

    `live`: only campaigns that are neither completed nor cancelled.
    """
    query: Select[Any] = CAMPAIGN.where(
        CAMPAIGNS.c.changed > number, CAMPAIGNS.c.tenant.is_not(None)
    )
    if tenant is not None:
        query = query.where(CAMPAIGNS.c.tenant == tenant)
    if campaign_id is not None:
        query = query.where(CAMPAIGNS.c.campaign_id == campaign_id)
    if live:
        query = query.where(CAMPAIGNS.c.state.not_in(_ENDED))
    rows = connection.execute(query.order_by(CAMPAIGNS.c.changed).limit(limit)).all()
    found = read(connection, rows)
    return [Change(row.changed, each) for row, each in zip(rows, found, strict=True)]
