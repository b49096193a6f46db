"""Rows' own ids are stored whole, and found by their beginning.

Those that were cut before stay so until the index is rebuilt.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NAME = "ix_requests_campaign_key_own_id"


def upgrade() -> None:
    op.drop_index(_NAME, "requests")
    condition = sa.text("own_id IS NOT NULL")
    op.create_index(
        _NAME,
        "requests",
        ["campaign_key", sa.text("substr(own_id, 1, 256)")],
        postgresql_where=condition,
        sqlite_where=condition,
    )
