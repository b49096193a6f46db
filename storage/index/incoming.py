"""Results on their way into the index. The first of a request wins, as everywhere."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from seedcast.schemas.messages import SpeechResult
from seedcast.storage.index.batch import RESULTS, fill, upserting
from seedcast.storage.index.campaign_records import keys_of
from seedcast.storage.index.counters import count_incoming
from seedcast.storage.index.tables import CAMPAIGNS, FINGERPRINTS, REQUESTS
from seedcast.storage.index.values import bounded, microseconds, plain, short, small

# What the first result of a request sets. Of these only `error_code` is in an index.
_OUTCOME = (
    "status",
    "error_code",
    "duration_us",
    "draw",
    "engine",
    "chain",
    "ended_ms",
    "manifest",
)


class StoredResult(NamedTuple):
    result: SpeechResult
    manifest: bytes  # the record's value
    timestamp_ms: int  # of the record


def add(connection: Connection, results: Iterable[StoredResult]) -> set[str]:
    """Store and count what is new; return its campaigns."""
    first = dict[tuple[str, str], StoredResult]()
    for each in results:
        first.setdefault((each.result.campaign_id or "", each.result.request_id), each)
    if not first:
        return set()
    keys = keys_of(connection, (campaign for campaign, _ in first))
    pruned = _pruned(connection, keys)
    first = {each: stored for each, stored in first.items() if each[0] not in pruned}
    prints = _fingerprint_keys(connection, first.values())
    fill(
        connection,
        RESULTS,
        [_row(each, keys[campaign], prints) for (campaign, _), each in first.items()],
    )
    touched = count_incoming(connection)
    _store(connection)
    return {campaign for campaign, key in keys.items() if key in touched}


def _pruned(connection: Connection, keys: dict[str, int]) -> set[str]:
    """Return the campaigns whose requests are deleted: which results repeat is not known there."""
    pruned = select(CAMPAIGNS.c.campaign_id).where(
        CAMPAIGNS.c.key.in_(keys.values()), CAMPAIGNS.c.pruned_ms.is_not(None)
    )
    return set(connection.scalars(pruned))


def _row(stored: StoredResult, campaign_key: int, prints: dict[str, int]) -> tuple[Any, ...]:
    """Return the values in the order of the incoming table's columns."""
    result, receipt = stored.result, stored.result.receipt
    return (
        result.request_id,
        campaign_key,
        plain(result.metadata.get("id")),
        result.status,
        _error_code(result),
        microseconds(result.renditions[0].duration) if result.renditions else None,
        small(receipt.draw) if receipt else None,
        prints[short(receipt.engine_fingerprint)] if receipt else None,
        prints[short(receipt.chain_fingerprint)] if receipt else None,
        bounded(stored.timestamp_ms),
        stored.manifest,
    )


def _error_code(result: SpeechResult) -> str | None:
    if result.status == "succeeded":
        return None
    return result.error.code if result.error else result.status


def _store(connection: Connection) -> None:
    insert = upserting(connection)(REQUESTS)
    insert = insert.from_select(
        RESULTS.columns.keys(), select(RESULTS).where(RESULTS.c.status.is_not(None))
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[REQUESTS.c.request_id, REQUESTS.c.campaign_key],
            set_={name: insert.excluded[name] for name in _OUTCOME},
            where=REQUESTS.c.status.is_(None),
        )
    )


def _fingerprint_keys(connection: Connection, results: Iterable[StoredResult]) -> dict[str, int]:
    receipts = (each.result.receipt for each in results)
    values = {
        short(value)
        for receipt in receipts
        if receipt
        for value in (receipt.engine_fingerprint, receipt.chain_fingerprint)
    }
    if not values:
        return {}
    insert = upserting(connection)(FINGERPRINTS).on_conflict_do_nothing()
    connection.execute(insert, [{"value": value} for value in sorted(values)])
    known = select(FINGERPRINTS.c.value, FINGERPRINTS.c.key).where(FINGERPRINTS.c.value.in_(values))
    return {row.value: row.key for row in connection.execute(known)}
