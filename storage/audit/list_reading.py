"""Read a campaign's staged list, and how far it is fed, into an audit."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

from seedcast.campaigns.cursor_topic import read_cursors
from seedcast.errors import ListDamaged
from seedcast.schemas.messages import Campaign, Cursor
from seedcast.settings import Settings
from seedcast.storage.audit.collect import OnProgress, Progress
from seedcast.storage.audit.database import Database
from seedcast.storage.objects import ObjectStore
from seedcast.storage.staged_lists import read_part_ids, staged_of

BATCH = 1000  # rows per transaction


@dataclass(frozen=True, kw_only=True)
class ListRead:
    """What was read of a staged list."""

    parts: int  # of the list, those that could not be read included
    damaged: tuple[str, ...] = ()  # what is wrong with each part that could not be read
    held: str | None = None  # why the feeder cannot feed the rest

    @property
    def is_whole(self) -> bool:
        return not self.damaged


def read_cursor(settings: Settings, record: Campaign | None) -> Cursor | None:
    """Return how far the campaign's list is fed; None if it has no list, or nothing is fed."""
    return read_cursors(settings).of(record) if record and record.staged else None


def read_list(
    store: ObjectStore,
    record: Campaign,
    cursor: Cursor | None,
    database: Database,
    on_progress: OnProgress,
) -> ListRead:
    """Add the rows of every part that is there as the record says. Raises StoreUnavailable."""
    damaged, first, done = list[str](), 0, 0
    for number, part in enumerate(staged_of(record).parts):
        try:
            for batch in _batches(read_part_ids(store, record, number), first, cursor):
                database.add_list_rows(batch)
                done += len(batch)
                on_progress(Progress("list", done, record.accepted))
        except ListDamaged as error:
            damaged.append(f"{error.what} (expected {error.expected}, got {error.got})")
        first += part.rows
    return ListRead(
        parts=len(staged_of(record).parts),
        damaged=tuple(damaged),
        held=cursor.held if cursor else None,
    )


def _batches(
    rows: Iterator[tuple[int, str]], first: int, cursor: Cursor | None
) -> Iterator[list[tuple[bool, int, str]]]:
    """Yield whether it is fed, row number and request id. `first`: the index of the first row."""
    fed, unfed = (cursor.fed, frozenset(cursor.unfed)) if cursor else (0, frozenset[int]())
    told = (
        (index < fed and index not in unfed, *row)
        for index, row in zip(count(first), rows, strict=False)
    )
    while batch := list(islice(told, BATCH)):
        yield batch
