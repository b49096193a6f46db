"""Since when a campaign's requests are deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("pruned_ms", sa.BigInteger))
