"""Bring the index's schema to this version, by Alembic."""

from seedcast.settings import IndexSettings


def migrate(settings: IndexSettings) -> tuple[str | None, str]:
    """Migrate in one transaction, under a lock; return the revision before (None: none) and now.

    Creates a SQLite file that is missing, not a PostgreSQL database.
    Raises IndexUnavailable, IndexMismatch if the schema is newer than this version's, and as
    `open_database` does.
    """
    raise NotImplementedError
