"""Sessions of the page, and links that sign in once. Only hashes of their secrets are stored.

A session is as good as its key, and ends with it; or when it was not used for a while; or at its
own end, however much it is used.
"""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy import delete, insert, or_, select, update

from seedcast.storage.accounts.key_rows import KEY_COLUMNS, key_of
from seedcast.storage.accounts.keys import ApiKey, hash_of, known_form, unknown
from seedcast.storage.accounts.tables import API_KEYS, SESSION_LINKS, SESSIONS
from seedcast.storage.index.database import Database
from seedcast.storage.index.values import moment, unix_ms

LINK = timedelta(minutes=1)  # for which a link is valid
NOTED = timedelta(minutes=1)  # a use is written no sooner after the last
_LINK = "once-"  # what the secrets of links begin with


class Sessions:
    """Each method is a short transaction, and raises AccountsUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_link(self, key_id: str, now: datetime) -> str:
        """Return the secret of a link that signs in as this key, once, within LINK.

        Raises InvalidInput for a key that is not there.
        """
        secret = new_link()
        found = select(API_KEYS.c.key_id).where(API_KEYS.c.key_id == known_form(key_id))
        with self._database.transaction("making a link") as connection:
            if connection.scalar(found) is None:
                raise unknown(key_id)
            row = {"link_sha256": hash_of(secret), "key_id": key_id}
            connection.execute(insert(SESSION_LINKS).values(**row, expires_ms=unix_ms(now + LINK)))
        return secret

    def take_link(self, secret: str, now: datetime) -> ApiKey | None:
        """Return whose link it is, and take it away; None if there is none, or it is too old.

        Of several who show it at once, one gets the key.
        """
        taken = delete(SESSION_LINKS).where(SESSION_LINKS.c.link_sha256 == hash_of(secret))
        with self._database.transaction("taking a link") as connection:
            link = connection.execute(taken.returning(*SESSION_LINKS.c)).one_or_none()
            if link is None or moment(link.expires_ms) <= now:
                return None
            query = select(*KEY_COLUMNS).where(API_KEYS.c.key_id == link.key_id)
            row = connection.execute(query).one_or_none()
        return key_of(row) if row else None

    def begin(self, key_id: str, now: datetime, longest: timedelta) -> str:
        """Return the secret of a new session of the key, which ends after `longest`."""
        secret = secrets.token_urlsafe(32)
        statement = insert(SESSIONS).values(
            session_sha256=hash_of(secret),
            key_id=key_id,
            created_ms=unix_ms(now),
            seen_ms=unix_ms(now),
            expires_ms=unix_ms(now + longest),
        )
        with self._database.transaction("beginning a session") as connection:
            connection.execute(statement)
        return secret

    def use(self, hashes: Collection[bytes], now: datetime, idle: timedelta) -> dict[bytes, ApiKey]:
        """Return the keys of these sessions, by hash, and note that they were used.

        A key is returned as one that ends when its session does. Those whose sessions are over, or
        were not used for `idle`, are left out.
        """
        query = select(SESSIONS, *(column.label(f"key_{column.name}") for column in KEY_COLUMNS))
        query = query.join_from(SESSIONS, API_KEYS, API_KEYS.c.key_id == SESSIONS.c.key_id)
        with self._database.transaction("looking up sessions") as connection:
            rows = connection.execute(query.where(SESSIONS.c.session_sha256.in_(hashes))).all()
            found = {bytes(row.session_sha256): _key(row, idle) for row in rows}
            valid = {each: key for each, key in found.items() if key.state(now) == "valid"}
            if valid:
                connection.execute(_noting(valid, now))
        return valid

    def end(self, secret: str) -> None:
        with self._database.transaction("ending a session") as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.session_sha256 == hash_of(secret)))

    def forget(self, now: datetime, idle: timedelta) -> int:
        """Delete sessions that are over, and links; return how many there were."""
        is_over = or_(
            SESSIONS.c.expires_ms <= unix_ms(now), SESSIONS.c.seen_ms <= unix_ms(now - idle)
        )
        with self._database.transaction("forgetting sessions") as connection:
            connection.execute(
                delete(SESSION_LINKS).where(SESSION_LINKS.c.expires_ms <= unix_ms(now))
            )
            return connection.execute(delete(SESSIONS).where(is_over)).rowcount


def new_link() -> str:
    return _LINK + secrets.token_urlsafe(32)


def is_link(text: str) -> bool:
    """Return True for what can be the secret of a link: no key begins so."""
    return text.startswith(_LINK)


def _key(row: Any, idle: timedelta) -> ApiKey:
    key = key_of(_KeyRow(row))
    ends = min(moment(row.expires_ms), moment(row.seen_ms) + idle)
    return replace(key, expires_at=ends if key.expires_at is None else min(ends, key.expires_at))


class _KeyRow:
    """The key's columns of a row that begins with its session's."""

    def __init__(self, row: Any) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, f"key_{name}")


def _noting(hashes: Collection[bytes], now: datetime) -> Any:
    mine = SESSIONS.c.session_sha256.in_(hashes)
    old = SESSIONS.c.seen_ms < unix_ms(now - NOTED)
    return update(SESSIONS).where(mine, old).values(seen_ms=unix_ms(now))
