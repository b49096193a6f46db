"""Empties the index, so that the active indexer makes it anew from the topics and staged lists.

Where these still have everything it ends equal. What the results topic has forgotten is lost to the
index; a campaign's record and its outputs stay.
"""

from sqlalchemy import delete, text

from seedcast.settings import IndexSettings
from seedcast.storage.index import term
from seedcast.storage.index.database import open_database
from seedcast.storage.index.tables import METADATA, TERM


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
