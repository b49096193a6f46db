"""The campaigns of the index: their records, as the topic has them, and their lists' state."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from seedcast.codec import encode_json
from seedcast.schemas.messages import Campaign, Cursor
from seedcast.storage.index.batch import chunks, upserting
from seedcast.storage.index.counters import count_anew
from seedcast.storage.index.indexed import ListState
from seedcast.storage.index.tables import CAMPAIGN_ERRORS, CAMPAIGNS, CURSORS, REQUESTS
from seedcast.storage.index.values import bounded, plain, unix_ms

_NO_RECORD: dict[str, Any] = dict.fromkeys(
    ("record", "tenant", "state", "created_ms", "deadline_ms", "accepted", "staging")
)


def put(connection: Connection, campaigns: Iterable[Campaign]) -> None:
    """Write the campaigns whose records differ."""
    for chunk in chunks(campaigns):
        values = {campaign.campaign_id: _values(campaign) for campaign in chunk}
        known = _known(connection, values)
        for campaign_id, new in values.items():
            if (old := known.get(campaign_id)) is None:
                state = _list_state(new["staging"])
                connection.execute(insert(CAMPAIGNS).values(new | {"list_state": state}))
            elif old.record != new["record"]:
                _change(connection, old, new)


def put_cursors(connection: Connection, cursors: Iterable[tuple[Cursor, int]]) -> None:
    """Write cursors, each with the number of rows fed."""
    upsert = upserting(connection)(CURSORS)
    upsert = upsert.on_conflict_do_update(
        index_elements=[CURSORS.c.campaign_id],
        set_={name: upsert.excluded[name] for name in ("staging", "fed", "held")},
    )
    values = [
        {
            "campaign_id": cursor.campaign_id,
            "staging": cursor.staging,
            "fed": bounded(fed),
            "held": plain(cursor.held),
        }
        for cursor, fed in cursors
    ]
    if values:
        connection.execute(upsert, values)


def remove(connection: Connection, campaign_ids: Iterable[str]) -> None:
    """Forget record, list and cursor. A campaign that has a result stays, under its name."""
    for campaign_id in campaign_ids:
        connection.execute(delete(CURSORS).where(CURSORS.c.campaign_id == campaign_id))
        for old in _known(connection, [campaign_id]).values():
            _change(connection, old, _NO_RECORD)
            _delete_empty(connection, old.key)


def keys_of(connection: Connection, campaign_ids: Iterable[str]) -> dict[str, int]:
    """Return the key of each campaign. What no record names so far is added."""
    ids = set(campaign_ids)
    keys = {name: row.key for name, row in _known(connection, ids).items()}
    for campaign_id in sorted(ids - keys.keys()):
        added = insert(CAMPAIGNS).values(campaign_id=campaign_id).returning(CAMPAIGNS.c.key)
        keys[campaign_id] = connection.execute(added).scalar_one()
    return keys


def _known(connection: Connection, campaign_ids: Iterable[str]) -> dict[str, Any]:
    query = select(CAMPAIGNS).where(CAMPAIGNS.c.campaign_id.in_(list(campaign_ids)))
    return {row.campaign_id: row for row in connection.execute(query)}


def _change(connection: Connection, old: Any, new: dict[str, Any]) -> None:
    connection.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.key == old.key).values(new))
    if old.staging == new["staging"]:
        return
    if old.staging is not None:
        _forget_list(connection, old.key)
    values = {"list_state": _list_state(new["staging"]), "list_problem": None}
    connection.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.key == old.key).values(values))
    count_anew(connection, old.key)


def _list_state(staging: str | None) -> ListState:
    return "pending" if staging else "none"


def _forget_list(connection: Connection, key: int) -> None:
    here = REQUESTS.c.campaign_key == key
    connection.execute(delete(REQUESTS).where(here, REQUESTS.c.status.is_(None)))
    connection.execute(update(REQUESTS).where(here).values(row=None))


def _delete_empty(connection: Connection, key: int) -> None:
    """Delete a campaign that nothing names any more."""
    has_results = select(REQUESTS.c.request_id).where(REQUESTS.c.campaign_key == key).limit(1)
    if connection.scalar(has_results) is None:
        connection.execute(delete(CAMPAIGN_ERRORS).where(CAMPAIGN_ERRORS.c.campaign_key == key))
        connection.execute(delete(CAMPAIGNS).where(CAMPAIGNS.c.key == key))


def _values(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign_id": campaign.campaign_id,
        "record": encode_json(campaign),
        "tenant": campaign.tenant,
        "state": campaign.state,
        "created_ms": unix_ms(campaign.created_at),
        "deadline_ms": unix_ms(campaign.deadline),
        "accepted": bounded(campaign.accepted),
        "staging": campaign.staged.staging if campaign.staged else None,
    }
