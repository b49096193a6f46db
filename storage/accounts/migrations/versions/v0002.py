"""Uploaded files, and lists that are staged."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("file_id", _NAME, nullable=False),
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("key_id", _NAME, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("file_id", name="pk_files"),
    )
    op.create_index(
        "ix_files_tenant_created_ms_file_id", "files", ["tenant", "created_ms", "file_id"]
    )
    op.create_index("ix_files_key_id", "files", ["key_id"])
    op.create_index("ix_files_expires_ms", "files", ["expires_ms"])
    op.create_table(
        "stagings",
        sa.Column("slot", _NAME, nullable=False),
        sa.Column("job_id", _NAME, nullable=False),
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("campaign_id", _NAME, nullable=False),
        sa.Column("is_check", sa.Boolean, nullable=False),
        sa.Column("file_id", _NAME, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("options", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("accepted", sa.BigInteger, nullable=False),
        sa.Column("rejected", sa.BigInteger, nullable=False),
        sa.Column("waiting", sa.Text),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("lease_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("slot", name="pk_stagings"),
        sa.UniqueConstraint("job_id", name="uq_stagings_job_id"),
    )
    op.create_index("ix_stagings_state_lease_ms", "stagings", ["state", "lease_ms"])
    op.create_index("ix_stagings_file_id", "stagings", ["file_id"])
