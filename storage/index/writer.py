"""What the active indexer writes. Each method is one transaction, fenced by the indexer's term.

After IndexUnavailable the outcome of a transaction may be unknown, and after TermOver another
indexer is active: begin a new term in both cases, which reads the positions, and put all campaigns
and cursors again, since the database may have gone back to an older state.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Row,
    func,
    literal,
    select,
)

from seedcast.campaigns.cursor_topic import rows_fed
from seedcast.schemas.messages import Campaign, Cursor
from seedcast.storage.index import campaign_records, incoming, list_loading, pruning, term
from seedcast.storage.index.database import Database
from seedcast.storage.index.incoming import StoredResult
from seedcast.storage.index.list_loading import ListRow
from seedcast.storage.index.tables import CAMPAIGNS, REQUESTS
from seedcast.storage.index.term import TermOver, TopicFacts

__all__ = ["IndexWriter", "ListRow", "StoredResult", "TermOver", "TopicFacts"]


class IndexWriter:
    def __init__(
        self, database: Database, topic: str, term: int, positions: dict[int, int]
    ) -> None:
        """Use `begin_term`."""
        self._database, self._topic, self._term = database, topic, term
        self.positions = positions  # partition → next offset to read

    @classmethod
    def begin_term(cls, database: Database, indexer: str, topic: TopicFacts) -> "IndexWriter":
        """Become the active indexer, and read the positions. A partition begins at its log start.

        Raises TopicMismatch if the index was read from another cluster or topic, and OffsetsLost
        if records were deleted before they were read.
        """
        with database.transaction("beginning a term of the results index") as connection:
            number = term.begin(connection, indexer)
            positions = term.read_positions(connection, topic)
        return cls(database, topic.topic, number, positions)

    def put_campaigns(self, campaigns: Iterable[Campaign]) -> None:
        """Write the campaigns whose records differ. One with a staged list waits for it then."""
        with self._transaction("writing campaigns to the results index") as connection:
            campaign_records.put(connection, campaigns)

    def remove_campaigns(self, campaign_ids: Iterable[str]) -> None:
        """Forget records and lists, for tombstones. What has a result stays under the name."""
        with self._transaction("removing campaigns from the results index") as connection:
            campaign_records.remove(connection, campaign_ids)

    def put_cursors(self, cursors: Iterable[Cursor]) -> None:
        """Write cursors, whether or not their campaigns are known yet."""
        with self._transaction("writing cursors to the results index") as connection:
            campaign_records.put_cursors(connection, ((each, rows_fed(each)) for each in cursors))

    def pending_lists(self) -> list[str]:
        """Return the campaigns whose staged list is to be loaded, the oldest first."""
        query = (
            select(CAMPAIGNS.c.campaign_id)
            .where(CAMPAIGNS.c.list_state == "pending")
            .order_by(CAMPAIGNS.c.created_ms, CAMPAIGNS.c.campaign_id)
        )
        with self._transaction("looking for lists to load") as connection:
            return list(connection.scalars(query))

    def load_list(self, campaign_id: str, rows: Iterable[ListRow]) -> None:
        """Add a list's rows, whatever their number, and judge the results that came before them.

        Does nothing if the list is not pending any more. What iterating `rows` raises comes out,
        and nothing is changed. Raises ListDamaged if there are fewer or more than accepted.
        """
        with self._transaction(f"loading the list of {campaign_id}") as connection:
            list_loading.load(connection, campaign_id, rows)

    def hold_list(self, campaign_id: str, problem: str) -> bool:
        """Write why a pending list cannot be read. Return False if that is known already."""
        with self._transaction(f"holding the list of {campaign_id}") as connection:
            return list_loading.hold(connection, campaign_id, problem)

    def add_results(
        self, moved: Mapping[int, tuple[int, int]], results: Iterable[StoredResult]
    ) -> set[str]:
        """Store results and move the positions; return the campaigns with a new result.

        `moved`: partition → (expected position, next position). The first result of a request
        wins. Raises TermOver.
        """
        with self._transaction("writing results to the index") as connection:
            for partition, (expected, following) in sorted(moved.items()):
                term.move_position(connection, self._topic, partition, expected, following)
            touched = incoming.add(connection, results)
        self.positions.update({partition: following for partition, (_, following) in moved.items()})
        return touched

    def complete(self) -> list[str]:
        """Return the campaigns whose every id has a result, and whose record names no outputs yet.

        Sealed and cancelled ones; and completed ones, by clients of an older version.
        """
        with self._transaction("looking for complete campaigns") as connection:
            without_outputs = _COUNTED.where(_outputs_place(connection) == 0)
            candidates = connection.execute(without_outputs).all()
            return [each.campaign_id for each in candidates if _is_complete(connection, each)]

    def prunable(self, before_ms: int) -> list[Campaign]:
        """Return the completed campaigns whose requests may go: the last result is older."""
        with self._transaction("looking for requests to delete") as connection:
            return pruning.prunable(connection, before_ms)

    def prune(self, campaign_id: str, now_ms: int, most: int) -> int:
        """Delete at most so many requests of a campaign; return how many. Its figures stay.

        From the first on, what comes for it is not stored, since nobody could tell repeats apart.
        """
        with self._transaction(f"deleting requests of {campaign_id}") as connection:
            return pruning.prune(connection, campaign_id, now_ms, most)

    @contextmanager
    def _transaction(self, doing: str) -> Iterator[Connection]:
        with self._database.transaction(doing) as connection:
            term.require(connection, self._term)
            yield connection


_COUNTED = (
    select(CAMPAIGNS.c.key, CAMPAIGNS.c.campaign_id)
    .where(
        CAMPAIGNS.c.list_state == "loaded",
        CAMPAIGNS.c.state.in_(("sealed", "cancelled", "completed")),
        CAMPAIGNS.c.succeeded + CAMPAIGNS.c.failed + CAMPAIGNS.c.expired + CAMPAIGNS.c.cancelled
        == CAMPAIGNS.c.accepted,
    )
    .order_by(CAMPAIGNS.c.created_ms, CAMPAIGNS.c.campaign_id)
)


def _outputs_place(connection: Connection) -> ColumnElement[int]:
    """Return where in its record a campaign's outputs begin, from 1; 0 without any.

    It is asked once a second of all campaigns that have ended, too many to decode.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    place = func.instr if is_sqlite else func.pg_catalog.position
    return place(CAMPAIGNS.c.record, literal(b'"outputs":{', LargeBinary), type_=Integer)


def _is_complete(connection: Connection, campaign: Row[int, str]) -> bool:
    """Return True if every id of the list has a result: ids are what counts, never a number."""
    waiting = (
        select(REQUESTS.c.request_id)
        .where(
            REQUESTS.c.campaign_key == campaign.key,
            REQUESTS.c.row.is_not(None),
            REQUESTS.c.status.is_(None),
        )
        .limit(1)
    )
    return connection.scalar(waiting) is None
