"""Secrets of webhooks that are replaced, and deliveries that are made again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("old_secret", sa.LargeBinary))
    op.add_column("webhooks", sa.Column("old_until_ms", sa.BigInteger))
    op.add_column("webhook_deliveries", sa.Column("resent_ms", sa.BigInteger))
