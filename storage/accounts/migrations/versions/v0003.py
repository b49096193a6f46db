"""Webhooks: endpoints, events, and an outbox of deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", _NAME, nullable=False),
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("event_types", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("secret_hint", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("failing_ms", sa.BigInteger),
        sa.Column("succeeded_ms", sa.BigInteger),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_tenant_created_ms", "webhooks", ["tenant", "created_ms"])
    op.create_table(
        "webhook_events",
        sa.Column("number", _KEY, nullable=False),
        sa.Column("event_id", _NAME, nullable=False),
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("subject", _NAME, nullable=False),
        sa.Column("type", _NAME, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_webhook_events"),
        sa.UniqueConstraint("event_id", name="uq_webhook_events_event_id"),
        sa.UniqueConstraint("subject", "type", name="uq_webhook_events_subject"),
    )
    op.create_index("ix_webhook_events_created_ms", "webhook_events", ["created_ms"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("webhook_id", _NAME, nullable=False),
        sa.Column("number", _KEY, nullable=False),
        sa.Column("subject", _NAME, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("status", sa.Integer),
        sa.Column("problem", sa.Text),
        sa.Column("tried_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("webhook_id", "number", name="pk_webhook_deliveries"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.webhook_id"], name="fk_webhook_deliveries_webhook_id"
        ),
        sa.ForeignKeyConstraint(
            ["number"], ["webhook_events.number"], name="fk_webhook_deliveries_number"
        ),
    )
    op.create_index("ix_webhook_deliveries_state_due_ms", "webhook_deliveries", ["state", "due_ms"])
    op.create_index("ix_webhook_deliveries_number", "webhook_deliveries", ["number"])
    op.create_table(
        "webhook_position",
        sa.Column("name", _NAME, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("begun", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_webhook_position"),
    )
