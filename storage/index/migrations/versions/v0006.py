"""How many requests of a list are spoken and have no result yet."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    column = sa.Column("rendering", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("cursors", column)
