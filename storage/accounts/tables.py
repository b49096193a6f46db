"""The tables of the accounts, the same in SQLite and PostgreSQL. No secret is in them in clear."""

from pathlib import Path

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, MetaData, Table, Text

from seedcast.errors import AccountsMismatch, AccountsUnavailable
from seedcast.storage.index.schema import Schema
from seedcast.storage.index.tables import NAMES, Name

METADATA = MetaData(naming_convention=NAMES)
ACCOUNTS = Schema(
    title="the accounts",
    section="accounts",
    version_table="accounts_version",
    revisions=("0001", "0002", "0003", "0004", "0005", "0006"),
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

FILES = Table(
    "files",
    METADATA,
    Column("file_id", Name, primary_key=True),
    Column("tenant", Name, nullable=False),
    Column("key_id", Name, nullable=False, doc="whose quota it counts against"),
    Column("filename", Text, nullable=False, doc="as the client gave it: data, never a path"),
    Column("purpose", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False, doc="while it is uploaded: what is reserved"),
    Column("sha256", Text, doc="null while it is uploaded"),
    Column("state", Text, nullable=False, doc="uploading, stored or deleting"),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, doc="afterwards it is swept"),
)
Index(None, FILES.c.tenant, FILES.c.created_ms, FILES.c.file_id)
Index(None, FILES.c.key_id)
Index(None, FILES.c.expires_ms)
STAGINGS = Table(
    "stagings",
    METADATA,
    Column("slot", Name, primary_key=True, doc="a campaign, or a tenant's check of that name"),
    Column("job_id", Name, nullable=False, unique=True),
    Column("tenant", Name, nullable=False),
    Column("campaign_id", Name, nullable=False),
    Column("is_check", Boolean, nullable=False),
    Column("file_id", Name, nullable=False),
    Column("digest", Text, nullable=False, doc="SHA-256 of the file's and of the options"),
    Column("options", LargeBinary, nullable=False, doc="as JSON"),
    Column("state", Text, nullable=False, doc="queued, staging, done, refused or failed"),
    Column("rows", BigInteger, nullable=False, doc="read so far"),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("waiting", Text, doc="what is out of reach at present"),
    Column("attempts", BigInteger, nullable=False),
    Column("owner", Text, doc="the replica that stages it"),
    Column("lease_ms", BigInteger, nullable=False, doc="until then nobody else takes it"),
    Column("created_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger, doc="null: it has not"),
)
Index(None, STAGINGS.c.state, STAGINGS.c.lease_ms)
Index(None, STAGINGS.c.file_id)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("session_sha256", LargeBinary, primary_key=True, doc="of the cookie's secret"),
    Column("key_id", Name, nullable=False, doc="the key that signed in; it ends with this key"),
    Column("created_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False, doc="of its last use, to the minute"),
    Column("expires_ms", BigInteger, nullable=False, doc="however much it is used"),
)
Index(None, SESSIONS.c.expires_ms)
SESSION_LINKS = Table(
    "session_links",
    METADATA,
    Column("link_sha256", LargeBinary, primary_key=True, doc="of a link that signs in once"),
    Column("key_id", Name, nullable=False, doc="as which key"),
    Column("expires_ms", BigInteger, nullable=False),
)
Index(None, SESSION_LINKS.c.expires_ms)
BATCHES = Table(
    "batches",
    METADATA,
    Column("batch_id", Name, primary_key=True, doc="and the name of its campaign"),
    Column("tenant", Name, nullable=False),
    Column("key_id", Name, nullable=False, doc="whose quota its files count against"),
    Column("terms", LargeBinary, nullable=False, doc="BatchTerms as JSON"),
    Column("input_file_id", Name, nullable=False),
    Column("status", Text, nullable=False, doc="as OpenAI's API has it"),
    Column("errors", LargeBinary, doc="why it has failed, as JSON; null: it has not"),
    Column("total", BigInteger, doc="lines; null until they are counted"),
    Column("accepted", BigInteger, doc="of them, those that are in the campaign"),
    Column("completed", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("output_file_id", Name),
    Column("error_file_id", Name),
    Column("owner", Text, doc="the replica that looks after it at present"),
    Column("lease_ms", BigInteger, nullable=False, doc="until then nobody else looks after it"),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, doc="the end of its completion window"),
    Column("in_progress_ms", BigInteger, doc="null, as the following: it was not"),
    Column("finalizing_ms", BigInteger),
    Column("cancelling_ms", BigInteger),
    Column("ended_ms", BigInteger, doc="its status is final"),
)
Index(None, BATCHES.c.tenant, BATCHES.c.created_ms, BATCHES.c.batch_id)
Index(None, BATCHES.c.status, BATCHES.c.lease_ms)
