"""A staged list's rows become requests of the index, which wait for their results."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, Row, Select, func, select, update

from seedcast.errors import ListDamaged
from seedcast.storage.index.batch import ROWS, chunks, fill, upserting
from seedcast.storage.index.counters import count_anew
from seedcast.storage.index.tables import CAMPAIGNS, REQUESTS
from seedcast.storage.index.values import plain


class ListRow(NamedTuple):
    row: int  # in the list, from 1
    request_id: str
    own_id: str | None  # metadata's `id`


def load(connection: Connection, campaign_id: str, rows: Iterable[ListRow]) -> None:
    """Add the rows, and count the results that came before them again: now strays are known.

    Does nothing if the list is not pending. Raises ListDamaged.
    """
    campaign = connection.execute(_pending(campaign_id)).one_or_none()
    if campaign is None:
        return
    for chunk in chunks(rows):
        _insert(connection, campaign.key, chunk)
    _check_number(connection, campaign, campaign_id)
    values = {"list_state": "loaded", "list_problem": None}
    connection.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.key == campaign.key).values(values))
    count_anew(connection, campaign.key)


def hold(connection: Connection, campaign_id: str, problem: str) -> bool:
    """Write why a pending list cannot be read. Return False if that is known already."""
    known = CAMPAIGNS.c.list_problem
    held = connection.execute(
        update(CAMPAIGNS)
        .where(CAMPAIGNS.c.campaign_id == campaign_id, CAMPAIGNS.c.list_state == "pending")
        .where(known.is_distinct_from(plain(problem)))
        .values(list_problem=plain(problem))
    )
    return held.rowcount == 1


def _pending(campaign_id: str) -> Select[tuple[int, int | None]]:
    return select(CAMPAIGNS.c.key, CAMPAIGNS.c.accepted).where(
        CAMPAIGNS.c.campaign_id == campaign_id, CAMPAIGNS.c.list_state == "pending"
    )


def _insert(connection: Connection, key: int, rows: list[ListRow]) -> None:
    by_id = {each.request_id: each for each in rows}  # an id once in a statement
    fill(
        connection,
        ROWS,
        ((each.request_id, key, each.row, plain(each.own_id)) for each in by_id.values()),
    )
    insert = upserting(connection)(REQUESTS)
    # SQLite needs the WHERE, lest ON CONFLICT be read as a join's.
    insert = insert.from_select(
        ROWS.columns.keys(), select(ROWS).where(ROWS.c.request_id.is_not(None))
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[REQUESTS.c.request_id, REQUESTS.c.campaign_key],
            set_={"row": insert.excluded.row, "own_id": insert.excluded.own_id},
        )
    )


def _check_number(connection: Connection, campaign: Row[tuple[int, int | None]], name: str) -> None:
    """Raises ListDamaged unless the list has as many requests as were accepted."""
    listed = (REQUESTS.c.campaign_key == campaign.key, REQUESTS.c.row.is_not(None))
    number = connection.scalar(select(func.count()).select_from(REQUESTS).where(*listed))
    if campaign.accepted not in (None, number):
        raise ListDamaged(
            f"campaign {name}: the staged list",
            expected=f"{campaign.accepted:,} requests",
            got=f"{number:,}",
            remedy="submit the list under another name",
        )
