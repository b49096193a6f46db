"""The tables of the index, the same in SQLite and PostgreSQL.

A list's rows are all in `requests` from the moment that its campaign is seen; a result completes
one. `status` is null until then. A row without `row` is a request of no list: an event's or, in a
campaign whose list is loaded, a stray.
"""

from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    literal_column,
)

from seedcast.errors import IndexDamaged, IndexMismatch, IndexUnavailable
from seedcast.storage.index.schema import Schema
from seedcast.storage.index.values import SHORT

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
METADATA = MetaData(naming_convention=NAMES)

VERSION_TABLE = "index_version"
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
INDEX = Schema(
    title="the results index",
    section="index",
    version_table=VERSION_TABLE,
    revisions=REVISIONS,
    migrations=Path(__file__).parent / "migrations",
    is_derived=True,
    unavailable=IndexUnavailable,
    mismatch=IndexMismatch,
    damaged=IndexDamaged,
    migrate="start `seedcast run indexer` of this version, or run `seedcast index migrate`",
    restore="restore it from a backup, or make it anew: `seedcast index rebuild`",
    rights="docs/deploying.md",
)

# SQLite numbers the rows of INTEGER columns only, which hold 64 bits there.
Key = BigInteger().with_variant(Integer, "sqlite")


# In the order of its bytes, as in SQLite, whatever the database's locale: keysets need one order.
Name = Text().with_variant(Text(collation="C"), "postgresql")


def _count(name: str) -> "Column[int]":
    return Column(name, BigInteger, nullable=False, server_default="0")


TERM = Table(
    "term",
    METADATA,
    Column("singleton", SmallInteger, primary_key=True, autoincrement=False, doc="always 1"),
    Column("number", BigInteger, nullable=False, doc="each indexer that becomes active adds 1"),
    Column("indexer", Text, nullable=False, doc="the active one"),
)
POSITIONS = Table(
    "positions",
    METADATA,
    Column("topic", Name, primary_key=True, doc="its full name"),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("cluster_id", Text, nullable=False),
    Column("topic_id", Text, nullable=False),
    Column("next_offset", BigInteger, nullable=False, doc="all before it is in the index"),
)
CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("key", Key, primary_key=True, doc="of this index; a rebuilt one has others"),
    Column(
        "campaign_id",
        Name,
        nullable=False,
        unique=True,
        doc="empty: results whose campaign was not readable; NAME~KEY: those of an older list, "
        "from before its name was used again",
    ),
    Column("record", LargeBinary, doc="Campaign as JSON; null if only results name it"),
    Column("tenant", Text),
    Column("state", Text),
    Column("created_ms", BigInteger, doc="Unix time in ms, as all columns with _ms"),
    Column("deadline_ms", BigInteger),
    Column("accepted", BigInteger, doc="requests, once that is known"),
    Column(
        "staging",
        Text,
        doc="of the staged list, or of the last, if its record was removed; null without one",
    ),
    Column(
        "list_state",
        Text,
        nullable=False,
        server_default="none",
        doc="none; pending: there is a list, and its rows are not in `requests` yet; loaded",
    ),
    Column("list_problem", Text, doc="why a pending list cannot be read, until it is loaded"),
    Column("pruned_ms", BigInteger, doc="since when its requests are deleted, to keep room"),
    _count("succeeded"),
    _count("failed"),
    _count("expired"),
    _count("cancelled"),
    Column(
        "strays",
        BigInteger,
        nullable=False,
        server_default="0",
        doc="results whose request is not in the loaded list; counted nowhere else",
    ),
    Column(
        "audio_us",
        BigInteger,
        nullable=False,
        server_default="0",
        doc="microseconds of the first rendition of each request",
    ),
    Column("first_ms", BigInteger, doc="of the earliest result"),
    Column("last_ms", BigInteger, doc="of the latest result"),
    Column(
        "changed",
        BigInteger,
        nullable=False,
        server_default="0",
        doc="number of its last change, one order for all campaigns: see `changes.py`",
    ),
)
CAMPAIGN_ERRORS = Table(
    "campaign_errors",
    METADATA,
    Column("campaign_key", Key, ForeignKey(CAMPAIGNS.c.key), primary_key=True),
    Column("code", Name, primary_key=True),
    _count("count"),
)
CURSORS = Table(
    "cursors",
    METADATA,
    Column("campaign_id", Name, primary_key=True),
    Column("staging", Text, nullable=False, doc="the list that it is of"),
    Column("fed", BigInteger, nullable=False, doc="rows"),
    Column(
        "rendering",
        BigInteger,
        nullable=False,
        server_default="0",
        doc="requests that are spoken and have no result yet, as the feeder saw last",
    ),
    Column("held", Text, doc="why the rest cannot be fed"),
)
FINGERPRINTS = Table(
    "fingerprints",
    METADATA,
    Column("key", Key, primary_key=True),
    Column("value", Text, nullable=False, unique=True),
)
Index(None, CAMPAIGNS.c.changed)
# Without foreign keys: PostgreSQL would look each of them up for each row.
REQUESTS = Table(
    "requests",
    METADATA,
    Column("request_id", Name, primary_key=True),
    Column("campaign_key", Key, primary_key=True),
    Column("row", BigInteger, doc="in the list, from 1; null for a request of no list"),
    Column("own_id", Name, doc="the row's own id; its first 256 characters are in an index"),
    Column("status", Text, doc="null: no result yet"),
    Column("error_code", Name, doc="null: waiting, or succeeded"),
    Column("duration_us", BigInteger, doc="microseconds of the first rendition"),
    Column("draw", Integer),
    Column("engine", Key, doc="key of its fingerprint"),
    Column("chain", Key, doc="key of the audio chain's fingerprint"),
    Column("ended_ms", BigInteger, doc="timestamp of the result's record"),
    Column("manifest", LargeBinary, doc="SpeechResult as JSON, as on the topic"),
    # A row of a list is 100 bytes, and 1 kB once its result is there: PostgreSQL leaves the room
    # in its page, so that a result changes no index (a heap-only update).
    postgresql_with={"fillfactor": "10"},
)
# No success changes a column that any of these names, not even in a condition.
Index(None, REQUESTS.c.campaign_key, REQUESTS.c.row, REQUESTS.c.request_id)
# An entry of PostgreSQL's indexes has room for 2,700 bytes, and anybody may send longer ids.
OWN_ID_START = func.substr(REQUESTS.c.own_id, literal_column("1"), literal_column(f"{SHORT}"))
Index(
    "ix_requests_campaign_key_own_id",
    REQUESTS.c.campaign_key,
    OWN_ID_START,
    postgresql_where=REQUESTS.c.own_id.is_not(None),
    sqlite_where=REQUESTS.c.own_id.is_not(None),
)
Index(
    None,
    REQUESTS.c.campaign_key,
    REQUESTS.c.error_code,
    REQUESTS.c.row,
    REQUESTS.c.request_id,
    postgresql_where=REQUESTS.c.error_code.is_not(None),
    sqlite_where=REQUESTS.c.error_code.is_not(None),
)
