"""Deletes the requests of lists that ended long ago. Their campaigns keep their figures."""

from sqlalchemy import Connection, delete, func, or_, select, update

from seedcast.codec import decode_campaign
from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Campaign, Outputs
from seedcast.storage.index.tables import CAMPAIGNS, REQUESTS
from seedcast.storage.index.values import moment

_ENDED = ("completed", "cancelled")


def prunable(connection: Connection, before_ms: int) -> list[Campaign]:
    """Return the campaigns that have requests, and outputs, and whose last result is older."""
    columns = CAMPAIGNS.c
    any_request = select(REQUESTS.c.request_id).where(REQUESTS.c.campaign_key == columns.key)
    query = (
        select(columns.record)
        .where(columns.state.in_(_ENDED), columns.list_state == "loaded")
        .where(columns.last_ms < before_ms)
        .where(or_(columns.pruned_ms.is_(None), any_request.exists()))
        .order_by(columns.last_ms, columns.campaign_id)
    )
    records = map(decode_campaign, filter(None, connection.scalars(query)))
    return [each for each in records if isinstance(each.outputs, Outputs)]


def prune(connection: Connection, campaign_id: str, now_ms: int, most: int) -> int:
    """Delete at most so many requests of a campaign, which is said to be pruned from the first on.

    Return how many were deleted.
    """
    columns = CAMPAIGNS.c
    since = {"pruned_ms": func.coalesce(columns.pruned_ms, now_ms)}
    marked = update(CAMPAIGNS).where(columns.campaign_id == campaign_id).values(since)
    key = connection.scalar(marked.returning(columns.key))
    here = REQUESTS.c.campaign_key == key
    some = select(REQUESTS.c.request_id).where(here).limit(most)
    return connection.execute(
        delete(REQUESTS).where(here, REQUESTS.c.request_id.in_(some))
    ).rowcount


def require_requests(connection: Connection, campaign_id: str) -> None:
    """Raises InvalidInput if the campaign's requests were deleted."""
    since = select(CAMPAIGNS.c.pruned_ms).where(CAMPAIGNS.c.campaign_id == campaign_id)
    if (pruned_ms := connection.scalar(since)) is None:
        return
    raise InvalidInput(
        f"campaign {campaign_id}",
        expected="one whose requests are in the index",
        got=f"one whose requests were deleted from it on {moment(pruned_ms):%Y-%m-%d},"
        " SEEDCAST_INDEX_KEEP_DAYS after its end",
        remedy=f"_lists/{campaign_id}/results.parquet, in the bucket, has all of them",
    )
