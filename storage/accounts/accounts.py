"""What the gateway and `seedcast keys` ask of the accounts, and write.

Every method is one short transaction, but for `forget_claims`, which is a row of them. All may be
called by several threads at once. Each raises AccountsUnavailable where the database is away,
locked or full, and the Fatal errors of `open_database`.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from seedcast.errors import InvalidSettings
from seedcast.settings import AccountsSettings
from seedcast.storage.accounts import claims
from seedcast.storage.accounts import keys as api_keys
from seedcast.storage.accounts.batches import Batches
from seedcast.storage.accounts.claims import Claim
from seedcast.storage.accounts.deliveries import Deliveries
from seedcast.storage.accounts.files import Files
from seedcast.storage.accounts.key_rows import KEY_COLUMNS, key_of
from seedcast.storage.accounts.keys import NO_LIMITS, SCOPES, ApiKey, KeyLimits, Scope
from seedcast.storage.accounts.outbox import Outbox
from seedcast.storage.accounts.sessions import Sessions
from seedcast.storage.accounts.stagings import Stagings
from seedcast.storage.accounts.tables import ACCOUNTS, API_KEYS
from seedcast.storage.accounts.webhooks import Webhooks
from seedcast.storage.index.database import Database, open_database
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.values import unix_ms


def open_accounts(settings: AccountsSettings) -> "Accounts":
    """Bring the schema to this version's, or make it, and open it.

    Raises AccountsUnavailable if the server does not answer, AccountsMismatch if the schema is
    newer, InvalidSettings, CredentialsRefused, AccessDenied, and LocalResource for a SQLite file
    that cannot be made.
    """
    if not settings.url:
        raise InvalidSettings(
            "no database of keys is configured",
            expected="the URL of a database",
            got="none",
            remedy=f"set {ACCOUNTS.variable('url')}",
        )
    migrate(settings, ACCOUNTS)
    return Accounts(open_database(settings, ACCOUNTS, read_only=False))


class Accounts:
    def __init__(self, database: Database) -> None:
        self._database = database
        self.files, self.stagings = Files(database), Stagings(database)
        self.sessions = Sessions(database)
        self.webhooks, self.outbox = Webhooks(database), Outbox(database)
        self.deliveries = Deliveries(database)
        self.batches = Batches(database)

    def __enter__(self) -> "Accounts":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def add_key(
        self,
        name: str,
        tenant: str,
        scopes: Collection[Scope],
        limits: KeyLimits = NO_LIMITS,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key; return it and its secret, which is stored nowhere. Raises InvalidInput."""
        now, secret, key_id = datetime.now(UTC), api_keys.new_secret(), f"key-{token_hex(8)}"
        api_keys.check(name, tenant, scopes, limits, expires_at, now)
        statement = insert(API_KEYS).values(
            key_id=key_id,
            secret_sha256=api_keys.hash_of(secret),
            name=name,
            tenant=tenant,
            scopes=" ".join(scope for scope in SCOPES if scope in scopes),
            limits=msgspec.json.encode(limits),
            created_ms=unix_ms(now),
            expires_ms=unix_ms(expires_at),
        )
        with self._database.transaction("adding a key") as connection:
            row = connection.execute(statement.returning(*KEY_COLUMNS)).one()
        return key_of(row), secret

    def keys(self) -> list[ApiKey]:
        """Return all, the oldest first; revoked and expired ones, too."""
        query = select(*KEY_COLUMNS).order_by(API_KEYS.c.created_ms, API_KEYS.c.key_id)
        with self._database.transaction("listing keys") as connection:
            return [key_of(row) for row in connection.execute(query)]

    def find(self, secret: str) -> ApiKey | None:
        """Return the key with this secret; None if there is none.

        A revoked or expired one is returned, too: see its `state`. The secret may be any string;
        the work is the same whether it is known or not.
        """
        with self._database.transaction("looking up a key") as connection:
            return _find(connection, API_KEYS.c.secret_sha256 == api_keys.hash_of(secret))

    def find_all(self, hashes: Collection[bytes]) -> dict[bytes, ApiKey]:
        """Return the keys whose secrets have these hashes, by hash, in one query."""
        query = select(API_KEYS.c.secret_sha256, *KEY_COLUMNS)
        query = query.where(API_KEYS.c.secret_sha256.in_(hashes))
        with self._database.transaction("looking up keys") as connection:
            return {bytes(row.secret_sha256): key_of(row) for row in connection.execute(query)}

    def revoke(self, key_id: str) -> ApiKey:
        """Revoke a key, and return it. One that is revoked keeps its time. Raises InvalidInput."""
        is_this, now = API_KEYS.c.key_id == api_keys.known_form(key_id), datetime.now(UTC)
        revoking = update(API_KEYS).where(is_this, API_KEYS.c.revoked_ms.is_(None))
        with self._database.transaction("revoking a key") as connection:
            connection.execute(revoking.values(revoked_ms=unix_ms(now)))
            key = _find(connection, is_this)
        if key is None:
            raise api_keys.unknown(key_id)
        return key

    def claim(
        self, tenant: str, key: str, body_hmac: bytes, request_id: str, now: datetime
    ) -> Claim:
        """Say whose the tenant's idempotency key is: this request's if none came first.

        Of several at once, in any thread or process, exactly one is new. After AccountsUnavailable
        it may be claimed or not. A claim does not say that its request was sent: who made it may
        have ended before. Raises InvalidInput for a key that is empty, over 255 characters, or
        holds invisible ones.
        """
        claims.check_key(key)
        with self._database.transaction("claiming an idempotency key") as connection:
            return claims.claim(connection, tenant, key, body_hmac, request_id, now)

    def forget_claims(self, before: datetime) -> int:
        """Delete the older claims, a thousand in each transaction; return their number."""
        total, deleted = 0, claims.AT_ONCE
        while deleted == claims.AT_ONCE:
            with self._database.transaction("forgetting idempotency keys") as connection:
                deleted = claims.delete_some(connection, before)
            total += deleted
        return total


def _find(connection: Connection, condition: Any) -> ApiKey | None:
    row = connection.execute(select(*KEY_COLUMNS).where(condition)).one_or_none()
    return key_of(row) if row else None
