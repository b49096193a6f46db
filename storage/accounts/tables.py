"""The tables of the accounts, the same in SQLite and PostgreSQL. No secret is in them."""

from pathlib import Path

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text

from seedcast.errors import AccountsMismatch, AccountsUnavailable
from seedcast.storage.index.schema import Schema
from seedcast.storage.index.tables import NAMES, Name

METADATA = MetaData(naming_convention=NAMES)
ACCOUNTS = Schema(
    title="the accounts",
    section="accounts",
    version_table="accounts_version",
    revisions=("0001",),
    migrations=Path(__file__).parent / "migrations",
    is_derived=False,
    unavailable=AccountsUnavailable,
    mismatch=AccountsMismatch,
    damaged=AccountsMismatch,
    migrate="`seedcast keys list` of this version brings it to its own",
    restore="restore it from a backup: nothing else holds the keys",
    rights="docs/keys.md",
)

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_id", Name, primary_key=True),
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("scopes", Text, nullable=False, doc="separated by spaces"),
    Column("limits", LargeBinary, nullable=False, doc="KeyLimits as JSON"),
    Column("created_ms", BigInteger, nullable=False, doc="Unix time in ms, as all with _ms"),
    Column("expires_ms", BigInteger, doc="null: never"),
    Column("revoked_ms", BigInteger, doc="null: it is not"),
)
IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("tenant", Name, primary_key=True),
    Column("key", Name, primary_key=True, doc="the header Idempotency-Key"),
    Column("body_hmac", LargeBinary, nullable=False, doc="HMAC-SHA-256 of the body"),
    Column("request_id", Text, nullable=False, doc="of the first request with this key"),
    Column("created_ms", BigInteger, nullable=False),
)
Index(None, IDEMPOTENCY.c.created_ms)
