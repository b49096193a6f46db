"""Idempotency keys: which request came first with one."""

from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any

from sqlalchemy import Connection, delete, select, tuple_

from seedcast.errors import InvalidInput
from seedcast.storage.accounts.tables import IDEMPOTENCY
from seedcast.storage.index.batch import upserting
from seedcast.storage.index.values import unix_ms

MAX_KEY = 255  # characters of an idempotency key
AT_ONCE = 1000  # claims that one transaction deletes

_PRIMARY = (IDEMPOTENCY.c.tenant, IDEMPOTENCY.c.key)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Whose an idempotency key is."""

    request_id: str  # of the request that came first with this key
    is_new: bool  # that is the one asked for
    same_body: bool  # the first had the body of this one


def check_key(key: str) -> None:
    """Raises InvalidInput."""
    if not (0 < len(key) <= MAX_KEY and key.isprintable()):
        raise InvalidInput(
            "idempotency key",
            expected=f"1 to {MAX_KEY} visible characters",
            got=f"{len(key):,} characters" if key.isprintable() else repr(key[:MAX_KEY]),
        )


def claim(
    connection: Connection,
    tenant: str,
    key: str,
    body_hmac: bytes,
    request_id: str,
    now: datetime,
) -> Claim:
    row = {"tenant": tenant, "key": key, "body_hmac": body_hmac, "request_id": request_id}
    while True:  # again if another process forgot it between the INSERT and the SELECT
        if _insert(connection, created_ms=unix_ms(now), **row):
            return Claim(request_id=request_id, is_new=True, same_body=True)
        if first := _first(connection, tenant, key):
            same_body = compare_digest(first.body_hmac, body_hmac)
            return Claim(request_id=first.request_id, is_new=False, same_body=same_body)


def delete_some(connection: Connection, before: datetime) -> int:
    """Delete at most AT_ONCE older ones, and leave out those that another deletes now."""
    old = select(*_PRIMARY).where(IDEMPOTENCY.c.created_ms < unix_ms(before)).limit(AT_ONCE)
    some = old.with_for_update(skip_locked=True)
    return connection.execute(delete(IDEMPOTENCY).where(tuple_(*_PRIMARY).in_(some))).rowcount


def _insert(connection: Connection, **row: object) -> bool:
    """Return False if the tenant has this key. Waits for another who is writing it."""
    statement = upserting(connection)(IDEMPOTENCY).values(**row).on_conflict_do_nothing()
    return connection.execute(statement.returning(IDEMPOTENCY.c.key)).first() is not None


def _first(connection: Connection, tenant: str, key: str) -> Any:
    query = select(IDEMPOTENCY.c.request_id, IDEMPOTENCY.c.body_hmac)
    here = (IDEMPOTENCY.c.tenant == tenant, IDEMPOTENCY.c.key == key)
    return connection.execute(query.where(*here)).one_or_none()
