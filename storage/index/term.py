"""Whose turn it is to write, and how far the results topic is read.

Each transaction first locks the term, then moves positions from where it expects them. So an
indexer that was stopped, and goes on after another took over, changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from seedcast.errors import OffsetsLost, TopicMismatch
from seedcast.storage.index.tables import POSITIONS, TERM

_GO_ON = (
    "keep what is indexed, and go on with what the topic has now: `seedcast index reposition`; or,"
    " where the topic has all that matters, make the index anew: `seedcast index rebuild`"
)


class TermOver(Exception):
    """Another indexer is active, or a partition's position is not where it was left."""


@dataclass(frozen=True, kw_only=True)
class TopicFacts:
    """The results topic as it is now."""

    cluster_id: str
    topic: str  # full name
    topic_id: str
    log_starts: Mapping[int, int]  # partition → offset of the oldest record that is kept


def begin(connection: Connection, indexer: str, above: int = 0) -> int:
    """Begin the next term, and return its number."""
    number = max(above, _locked(connection)) + 1
    connection.execute(update(TERM).values(number=number, indexer=indexer))
    return number


def require(connection: Connection, number: int) -> None:
    """Raises TermOver if another term has begun. None can begin until the transaction ends."""
    if (found := _locked(connection)) != number:
        raise TermOver(f"expected term {number}, got {found}")


def _locked(connection: Connection) -> int:
    return connection.scalar(select(TERM.c.number).with_for_update()) or 0


def read_positions(connection: Connection, topic: TopicFacts) -> dict[int, int]:
    """Return the position of each partition; one that is new begins at its log start.

    Raises TopicMismatch and OffsetsLost.
    """
    positions = dict[int, int]()
    for row in connection.execute(select(POSITIONS)):
        _compare((row.cluster_id, row.topic, row.topic_id), topic)
        positions[row.partition] = row.next_offset
    for partition, start in topic.log_starts.items():
        if partition not in positions:
            _insert(connection, topic, partition, start)
        elif start > positions[partition]:
            raise _lost(topic, partition, start, positions[partition])
    return dict(topic.log_starts) | positions


def reposition(connection: Connection, topic: TopicFacts) -> dict[int, int]:
    """Begin a term, and let positions be where the topic has records; nothing else changes.

    Of the topic that the index was read from, only positions before its log start move; another is
    read from its beginning, and of what is indexed already nothing is counted again. Return how
    many records were deleted unread, by partition.
    """
    begin(connection, "reposition")
    known = connection.execute(select(POSITIONS)).all()
    present = (topic.cluster_id, topic.topic, topic.topic_id)
    positions = {
        row.partition: row.next_offset
        for row in known
        if (row.cluster_id, row.topic, row.topic_id) == present
    }
    connection.execute(delete(POSITIONS))
    for partition, start in topic.log_starts.items():
        _insert(connection, topic, partition, max(start, positions.get(partition, start)))
    starts = topic.log_starts.items()
    lost = {number: start - positions.get(number, start) for number, start in starts}
    return {number: count for number, count in lost.items() if count > 0}


def move_position(
    connection: Connection, topic: str, partition: int, expected: int, following: int
) -> None:
    """Raises TermOver if the position is not the expected one."""
    here = (POSITIONS.c.topic == topic, POSITIONS.c.partition == partition)
    moved = connection.execute(
        update(POSITIONS)
        .where(*here, POSITIONS.c.next_offset == expected)
        .values(next_offset=following)
    )
    if moved.rowcount != 1:
        found = connection.scalar(select(POSITIONS.c.next_offset).where(*here))
        raise TermOver(f"partition {partition}: expected position {expected}, got {found}")


def _insert(connection: Connection, topic: TopicFacts, partition: int, start: int) -> None:
    connection.execute(
        insert(POSITIONS).values(
            topic=topic.topic,
            partition=partition,
            cluster_id=topic.cluster_id,
            topic_id=topic.topic_id,
            next_offset=start,
        )
    )


def _compare(found: tuple[str, str, str], topic: TopicFacts) -> None:
    if found != (present := (topic.cluster_id, topic.topic, topic.topic_id)):
        raise TopicMismatch(
            "the results index was read from another topic",
            expected="cluster {}, topic {} with id {}".format(*found),
            got="cluster {}, topic {} with id {}".format(*present),
            remedy=f"correct SEEDCAST_INDEX_URL or the brokers, or {_GO_ON}",
        )


def _lost(topic: TopicFacts, partition: int, start: int, position: int) -> OffsetsLost:
    return OffsetsLost(
        f"{topic.topic}, partition {partition}: {start - position:,} records were deleted before "
        "they came into the results index",
        expected=f"offset {position}",
        got=f"{start} as the oldest",
        remedy=f"their results are lost to the index, and the audio is not; {_GO_ON}",
    )
