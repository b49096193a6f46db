"""What the active indexer writes. Each method is one transaction, fenced by the indexer's term.

After IndexUnavailable the outcome of a transaction may be unknown, and after TermOver another
indexer is active: begin a new term in both cases, which reads the positions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from seedcast.schemas.messages import Campaign, Cursor, SpeechResult
from seedcast.storage.index.database import Database


class TermOver(Exception):
    """Another indexer is active, or a partition's position is not where it was left."""


@dataclass(frozen=True, kw_only=True)
class TopicFacts:
    """The results topic as it is now."""

    cluster_id: str
    topic: str  # full name
    topic_id: str
    log_starts: Mapping[int, int]  # partition → offset of the oldest record that is kept


class ListRow(NamedTuple):
    row: int  # in the list, from 1
    request_id: str
    own_id: str | None  # metadata's `id`


class StoredResult(NamedTuple):
    result: SpeechResult
    manifest: bytes  # the record's value
    timestamp_ms: int  # of the record


class IndexWriter:
    def __init__(self, database: Database, indexer: str, topic: str, term: int) -> None:
        """Use `begin_term`."""
        self.positions: dict[int, int] = {}  # partition → next offset to read

    @classmethod
    def begin_term(cls, database: Database, indexer: str, topic: TopicFacts) -> "IndexWriter":
        """Become the active indexer, and read the positions. A partition begins at its log start.

        Raises TopicMismatch if the index was read from another cluster or topic, and OffsetsLost
        if records were deleted before they were read.
        """
        raise NotImplementedError

    def put_campaigns(self, campaigns: Iterable[Campaign]) -> None:
        """Write the campaigns whose records differ. One with a staged list waits for it then."""
        raise NotImplementedError

    def remove_campaigns(self, campaign_ids: Iterable[str]) -> None:
        """Forget records and lists, for tombstones. What has a result stays under the name."""
        raise NotImplementedError

    def put_cursors(self, cursors: Iterable[Cursor]) -> None:
        """Write the cursors that differ, whether or not their campaigns are known yet."""
        raise NotImplementedError

    def pending_lists(self) -> list[str]:
        """Return the campaigns whose staged list is to be loaded, the oldest first."""
        raise NotImplementedError

    def load_list(self, campaign_id: str, rows: Iterable[ListRow]) -> None:
        """Add a list's rows, whatever their number, and judge the results that came before them.

        Does nothing if the list is not pending any more. What iterating `rows` raises comes out,
        and nothing is changed. Raises ListDamaged if there are fewer or more than accepted.
        """
        raise NotImplementedError

    def add_results(
        self, moved: Mapping[int, tuple[int, int]], results: Iterable[StoredResult]
    ) -> set[str]:
        """Store results and move the positions; return the campaigns with a new result.

        `moved`: partition → (expected position, next position). The first result of a request
        wins. Raises TermOver.
        """
        raise NotImplementedError

    def complete(self) -> list[str]:
        """Return the sealed and cancelled campaigns whose every id has a result, and whose record
        names no outputs yet."""
        raise NotImplementedError
