"""The campaigns of the index: their records, as the topic has them, and their lists' state.

A name may be used again, after a tombstone of its record, for another list. Its rows may have the
ids that the older list's had, so what the older one got is set aside then, under a name that no
campaign can have: `NAME~KEY`.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from seedcast.codec import encode_json
from seedcast.schemas.messages import Campaign, Cursor
from seedcast.storage.index.batch import chunks, upserting
from seedcast.storage.index.changes import following, mark
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
            old = known.get(campaign_id)
            if old is not None and _is_of_another_list(old, new):
                _set_aside(connection, old)
                old = None
            if old is None:
                state = _list_state(new["staging"])
                connection.execute(_added(new, state))
            elif old.record != new["record"]:
                _change(connection, old, new)


def put_cursors(connection: Connection, cursors: Iterable[tuple[Cursor, int]]) -> None:
    """Write cursors, each with the number of rows fed."""
    upsert = upserting(connection)(CURSORS)
    upsert = upsert.on_conflict_do_update(
        index_elements=[CURSORS.c.campaign_id],
        set_={name: upsert.excluded[name] for name in ("staging", "fed", "rendering", "held")},
    )
    values: list[dict[str, Any]] = [
        {
            "campaign_id": cursor.campaign_id,
            "staging": cursor.staging,
            "fed": bounded(fed),
            "rendering": bounded(cursor.rendering),
            "held": plain(cursor.held),
        }
        for cursor, fed in cursors
    ]
    if values:
        connection.execute(upsert, values)
        mark(connection, (each["campaign_id"] for each in values))


def remove(connection: Connection, campaign_ids: Iterable[str]) -> None:
    """Forget record, list and cursor. A campaign that has a result stays, under its name."""
    for campaign_id in campaign_ids:
        connection.execute(delete(CURSORS).where(CURSORS.c.campaign_id == campaign_id))
        for old in _known(connection, [campaign_id]).values():
            if old.record is not None:
                _retire(connection, old, old.staging or "")


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
    _update(connection, old, new)
    is_back = old.record is None and new["staging"] is not None
    if old.staging != new["staging"] or is_back:
        _forget_list(connection, old, _list_state(new["staging"]))


def _is_of_another_list(old: Any, new: dict[str, Any]) -> bool:
    return None not in (old.staging, new["staging"]) and old.staging != new["staging"]


def _set_aside(connection: Connection, old: Any) -> None:
    _update(connection, old, {"campaign_id": f"{old.campaign_id}~{old.key}"})
    _retire(connection, old, None)


def _retire(connection: Connection, old: Any, staging: str | None) -> None:
    """Forget record and list, but for which list it was; all, if there is no result."""
    _update(connection, old, _NO_RECORD | {"staging": staging})
    _forget_list(connection, old, "none")
    _delete_empty(connection, old.key)


def _added(new: dict[str, Any], state: ListState) -> Any:
    return insert(CAMPAIGNS).values(new | {"list_state": state, "changed": following()})


def _update(connection: Connection, old: Any, values: dict[str, Any]) -> None:
    values = values | {"changed": following()}
    connection.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.key == old.key).values(values))


def _list_state(staging: str | None) -> ListState:
    return "pending" if staging else "none"


def _forget_list(connection: Connection, old: Any, state: ListState) -> None:
    """Delete the rows without a result, and count the others again as those of no list."""
    here = REQUESTS.c.campaign_key == old.key
    if old.list_state == "loaded":
        connection.execute(delete(REQUESTS).where(here, REQUESTS.c.status.is_(None)))
        connection.execute(update(REQUESTS).where(here).values(row=None))
    _update(connection, old, {"list_state": state, "list_problem": None})
    count_anew(connection, old.key)


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
