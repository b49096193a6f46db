"""Keys as the database has them, without the hashes of their secrets."""

from typing import Any, cast

import msgspec

from seedcast.storage.accounts.keys import ApiKey, KeyLimits, Scope
from seedcast.storage.accounts.tables import API_KEYS
from seedcast.storage.index.values import moment

KEY_COLUMNS = [column for column in API_KEYS.c if column is not API_KEYS.c.secret_sha256]


def key_of(row: Any) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        tenant=row.tenant,
        scopes=cast("tuple[Scope, ...]", tuple(row.scopes.split())),
        limits=msgspec.json.decode(row.limits, type=KeyLimits),
        created_at=moment(row.created_ms),
        expires_at=None if row.expires_ms is None else moment(row.expires_ms),
        revoked_at=None if row.revoked_ms is None else moment(row.revoked_ms),
    )
