"""Empties the index, so that the active indexer makes it anew from the topics and staged lists.

Where these still have everything it ends equal. What the results topic has forgotten is lost to the
index; a campaign's record and its outputs stay. A file of SQLite that is damaged is set aside, and
an empty one takes its place.
"""

import time
from pathlib import Path

from sqlalchemy import delete, text

from seedcast.errors import IndexDamaged
from seedcast.settings import IndexSettings
from seedcast.storage.index import sqlite, term
from seedcast.storage.index.database import open_database
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.tables import METADATA, TERM


def rebuild(settings: IndexSettings) -> Path | None:
    """Let the index begin anew. Return where a damaged file of SQLite lies now, if it was one.

    Raises as `open_database` does, and LocalResource.
    """
    try:
        migrate(settings)
        clear(settings)
    except IndexDamaged:
        aside = sqlite.set_aside(settings)
        migrate(settings)
        _pass_known_terms(settings)
        return aside
    return None


def _pass_known_terms(settings: IndexSettings) -> None:
    """Let no indexer of the file that was set aside take the new one's terms for its own."""
    with (
        open_database(settings, read_only=False) as database,
        database.transaction("beginning a term of the new results index") as connection,
    ):
        term.begin(connection, "rebuild", above=int(time.time()))


def clear(settings: IndexSettings) -> None:
    """Delete all but the term, and begin another: an active indexer stands down, and reads anew.

    Raises as `open_database` does.
    """
    tables = [table for table in reversed(METADATA.sorted_tables) if table is not TERM]
    with (
        open_database(settings, read_only=False) as database,
        database.transaction("emptying the results index") as connection,
    ):
        term.begin(connection, "rebuild")
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"TRUNCATE {', '.join(table.name for table in tables)}"))
        else:
            for table in tables:
                connection.execute(delete(table))
