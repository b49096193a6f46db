"""Sessions of the page, and links that open one."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_sha256", sa.LargeBinary, nullable=False),
        sa.Column("key_id", _NAME, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("session_sha256", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_ms", "sessions", ["expires_ms"])
    op.create_table(
        "session_links",
        sa.Column("link_sha256", sa.LargeBinary, nullable=False),
        sa.Column("key_id", _NAME, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("link_sha256", name="pk_session_links"),
    )
    op.create_index("ix_session_links_expires_ms", "session_links", ["expires_ms"])
