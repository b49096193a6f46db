"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _term_and_positions()
    _campaigns()
    _requests()


def _term_and_positions() -> None:
    term = op.create_table(
        "term",
        sa.Column("singleton", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("indexer", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("singleton", name="pk_term"),
    )
    op.bulk_insert(term, [{"singleton": 1, "number": 0, "indexer": ""}])
    op.create_table(
        "positions",
        sa.Column("topic", _NAME, nullable=False),
        sa.Column("partition", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("cluster_id", sa.Text, nullable=False),
        sa.Column("topic_id", sa.Text, nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name="pk_positions"),
    )


def _count(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("campaign_id", _NAME, nullable=False),
        sa.Column("record", sa.LargeBinary),
        sa.Column("tenant", sa.Text),
        sa.Column("state", sa.Text),
        sa.Column("created_ms", sa.BigInteger),
        sa.Column("deadline_ms", sa.BigInteger),
        sa.Column("accepted", sa.BigInteger),
        sa.Column("staging", sa.Text),
        sa.Column("list_state", sa.Text, nullable=False, server_default="none"),
        *map(_count, ("succeeded", "failed", "expired", "cancelled", "strays", "audio_us")),
        sa.Column("first_ms", sa.BigInteger),
        sa.Column("last_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("key", name="pk_campaigns"),
        sa.UniqueConstraint("campaign_id", name="uq_campaigns_campaign_id"),
    )
    op.create_table(
        "campaign_errors",
        sa.Column("campaign_key", _KEY, nullable=False),
        sa.Column("code", _NAME, nullable=False),
        _count("count"),
        sa.ForeignKeyConstraint(
            ["campaign_key"], ["campaigns.key"], name="fk_campaign_errors_campaign_key"
        ),
        sa.PrimaryKeyConstraint("campaign_key", "code", name="pk_campaign_errors"),
    )
    op.create_table(
        "cursors",
        sa.Column("campaign_id", _NAME, nullable=False),
        sa.Column("staging", sa.Text, nullable=False),
        sa.Column("fed", sa.BigInteger, nullable=False),
        sa.Column("held", sa.Text),
        sa.PrimaryKeyConstraint("campaign_id", name="pk_cursors"),
    )


def _requests() -> None:
    op.create_table(
        "fingerprints",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_fingerprints"),
        sa.UniqueConstraint("value", name="uq_fingerprints_value"),
    )
    op.create_table(
        "requests",
        sa.Column("request_id", _NAME, nullable=False),
        sa.Column("campaign_key", _KEY, nullable=False),
        sa.Column("row", sa.BigInteger),
        sa.Column("own_id", _NAME),
        sa.Column("status", sa.Text),
        sa.Column("error_code", _NAME),
        sa.Column("duration_us", sa.BigInteger),
        sa.Column("draw", sa.Integer),
        sa.Column("engine", _KEY),
        sa.Column("chain", _KEY),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("manifest", sa.LargeBinary),
        sa.PrimaryKeyConstraint("request_id", "campaign_key", name="pk_requests"),
        postgresql_with={"fillfactor": "10"},
    )
    _index("campaign_key", "row", "request_id")
    _index("campaign_key", "own_id", where="own_id IS NOT NULL")
    _index("campaign_key", "error_code", "row", "request_id", where="error_code IS NOT NULL")


def _index(*columns: str, where: str = "") -> None:
    condition = sa.text(where) if where else None
    op.create_index(
        f"ix_requests_{'_'.join(columns)}",
        "requests",
        list(columns),
        postgresql_where=condition,
        sqlite_where=condition,
    )
