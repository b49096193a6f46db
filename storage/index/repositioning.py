"""Goes on after records that were deleted unread, or with another topic: what is indexed stays."""

from seedcast.settings import IndexSettings
from seedcast.storage.index import term
from seedcast.storage.index.database import open_database
from seedcast.storage.index.term import TopicFacts


def reposition(settings: IndexSettings, topic: TopicFacts) -> dict[int, int]:
    """Let an indexer begin where the topic has records; an active one stands down first.

    Return how many records were deleted unread, by partition. Raises as `open_database` does.
    """
    with (
        open_database(settings, read_only=False) as database,
        database.transaction("moving the positions of the results index") as connection,
    ):
        return term.reposition(connection, topic)
