"""The number of each campaign's last change."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    column = sa.Column("changed", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("campaigns", column)
    op.execute("UPDATE campaigns SET changed = key")
    op.create_index("ix_campaigns_changed", "campaigns", ["changed"])
