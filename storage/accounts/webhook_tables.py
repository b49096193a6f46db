"""The tables of webhooks: endpoints, events, and an outbox of what is still to be delivered.

An event and its deliveries are written in one transaction, before anything is sent: a gateway that
dies leaves them to the others.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from seedcast.storage.accounts.tables import METADATA
from seedcast.storage.index.tables import Key, Name

WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("webhook_id", Name, primary_key=True),
    Column("tenant", Name, nullable=False),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False, doc="it may hold a token: it is not logged"),
    Column("event_types", Text, nullable=False, doc="separated by spaces; *: all"),
    Column("secret", LargeBinary, nullable=False, doc="encrypted: see webhook_secrets.py"),
    Column("secret_hint", Text, nullable=False, doc="its last characters"),
    Column("state", Text, nullable=False, doc="enabled or disabled"),
    Column("reason", Text, doc="why it is disabled"),
    Column("failing_ms", BigInteger, doc="the first failure since the last success"),
    Column("succeeded_ms", BigInteger, doc="the last success"),
    Column("created_ms", BigInteger, nullable=False),
    Column("old_secret", LargeBinary, doc="the one before, encrypted; it signs, too"),
    Column("old_until_ms", BigInteger, doc="until then"),
)
Index(None, WEBHOOKS.c.tenant, WEBHOOKS.c.created_ms)

WEBHOOK_EVENTS = Table(
    "webhook_events",
    METADATA,
    Column("number", Key, primary_key=True, doc="in their order"),
    Column("event_id", Name, nullable=False, unique=True),
    Column("tenant", Name, nullable=False),
    Column("subject", Name, nullable=False, doc="`campaign NAME` or `batch ID`"),
    Column("type", Name, nullable=False),
    Column("body", LargeBinary, doc="JSON, as it is signed; null: it was forgotten"),
    Column("created_ms", BigInteger, nullable=False),
    # Whoever finds out that something has happened writes it; the first of them is the only one.
    # So a row stays for long when its body goes: an index that is made anew tells of everything
    # again.
    UniqueConstraint("subject", "type"),
)
Index(None, WEBHOOK_EVENTS.c.created_ms)

WEBHOOK_DELIVERIES = Table(
    "webhook_deliveries",
    METADATA,
    Column("webhook_id", Name, ForeignKey(WEBHOOKS.c.webhook_id), primary_key=True),
    Column(
        "number",
        Key,
        ForeignKey(WEBHOOK_EVENTS.c.number),
        primary_key=True,
        autoincrement=False,
    ),
    Column("subject", Name, nullable=False, doc="that of the event: its deliveries keep order"),
    Column("state", Text, nullable=False, doc="waiting, delivered or failed"),
    Column("attempts", Integer, nullable=False),
    Column("due_ms", BigInteger, nullable=False, doc="nobody takes it before"),
    Column("owner", Text, doc="the replica that delivers it; until due_ms nobody else takes it"),
    Column("status", Integer, doc="of the last answer; null: there was none"),
    Column("problem", Text, doc="of the last attempt; null: it succeeded"),
    Column("tried_ms", BigInteger, doc="the last attempt"),
    Column("ended_ms", BigInteger, doc="null: it waits"),
    Column("resent_ms", BigInteger, doc="since when it is made again, on request"),
)
Index(None, WEBHOOK_DELIVERIES.c.state, WEBHOOK_DELIVERIES.c.due_ms)
Index(None, WEBHOOK_DELIVERIES.c.number)

WEBHOOK_POSITION = Table(
    "webhook_position",
    METADATA,
    Column("name", Name, primary_key=True, doc="always `campaigns`"),
    Column("seen", BigInteger, nullable=False, doc="the events of all changes up to it are here"),
    Column("begun", BigInteger, nullable=False, doc="nobody is told of what was before it"),
)
