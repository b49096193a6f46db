"""Batches of speeches."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("batch_id", _NAME, nullable=False),
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("key_id", _NAME, nullable=False),
        sa.Column("terms", sa.LargeBinary, nullable=False),
        sa.Column("input_file_id", _NAME, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("errors", sa.LargeBinary),
        sa.Column("total", sa.BigInteger),
        sa.Column("accepted", sa.BigInteger),
        sa.Column("completed", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("output_file_id", _NAME),
        sa.Column("error_file_id", _NAME),
        sa.Column("owner", sa.Text),
        sa.Column("lease_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("in_progress_ms", sa.BigInteger),
        sa.Column("finalizing_ms", sa.BigInteger),
        sa.Column("cancelling_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("batch_id", name="pk_batches"),
    )
    op.create_index(
        "ix_batches_tenant_created_ms_batch_id", "batches", ["tenant", "created_ms", "batch_id"]
    )
    op.create_index("ix_batches_status_lease_ms", "batches", ["status", "lease_ms"])
