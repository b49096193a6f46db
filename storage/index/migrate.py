"""Bring the index's schema to this version, by Alembic."""

from pathlib import Path

from sqlalchemy import Connection, text

from seedcast.settings import IndexSettings
from seedcast.storage.index.database import check_revision, connect, revision_of
from seedcast.storage.index.tables import REVISIONS

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 5_323_041_022  # of PostgreSQL's advisory locks: only one process migrates


def migrate(settings: IndexSettings) -> tuple[str | None, str]:
    """Migrate in one transaction, under a lock; return the revision before (None: none) and now.

    Creates a SQLite file that is missing, not a PostgreSQL database.
    Raises IndexUnavailable, IndexMismatch if the schema is newer than this version's, and as
    `open_database` does.
    """
    with (
        connect(settings, read_only=False) as database,
        database.transaction("migrating the results index") as connection,
    ):
        if connection.dialect.name == "postgresql":
            # To index a large table may take longer than any other statement.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        before = revision_of(connection)
        if before not in (None, *REVISIONS):
            check_revision(before)
        _upgrade(connection)
        return before, REVISIONS[-1]


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
