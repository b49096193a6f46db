"""Bring a database's schema to this version, by Alembic."""

from sqlalchemy import Connection, text

from seedcast.settings import DatabaseSettings
from seedcast.storage.index.database import check_revision, connect, revision_of
from seedcast.storage.index.schema import Schema
from seedcast.storage.index.tables import INDEX

_LOCK = 5_323_041_022  # of PostgreSQL's advisory locks: only one process migrates


def migrate(settings: DatabaseSettings, schema: Schema = INDEX) -> tuple[str | None, str]:
    """Migrate in one transaction, under a lock; return the revision before (None: none) and now.

    Creates a SQLite file that is missing, not a PostgreSQL database.
    Raises the schema's `unavailable`, its `mismatch` if it is newer than this version's, and as
    `open_database` does.
    """
    with (
        connect(settings, schema, read_only=False) as database,
        database.transaction(f"migrating {schema.title}") as connection,
    ):
        if connection.dialect.name == "postgresql":
            # To index a large table may take longer than any other statement.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        before = revision_of(connection, schema)
        if before not in (None, *schema.revisions):
            check_revision(before, schema)
        if before != schema.revisions[-1]:
            _upgrade(connection, schema)
        return before, schema.revisions[-1]


def _upgrade(connection: Connection, schema: Schema) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(schema.migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
