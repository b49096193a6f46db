"""What an operator asks of the index as a whole."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, case, func, select, text

from seedcast.settings import IndexSettings
from seedcast.storage.index import sqlite
from seedcast.storage.index.database import connect, revision_of
from seedcast.storage.index.tables import CAMPAIGNS, REVISIONS, TERM


@dataclass(frozen=True, kw_only=True)
class IndexFacts:
    url: str  # without a password
    revision: str | None  # of the schema; None: there is no index
    expected: str  # this version's
    campaigns: int | None = None  # this and the next: None under another schema
    requests: int | None = None
    indexer: str | None = None  # the active one, or the last that was
    bytes: int | None = None  # on disk


def read_facts(settings: IndexSettings) -> IndexFacts:
    """Raises IndexUnavailable, and as `open_database` does but for the schema."""
    if settings.url.startswith("sqlite:") and not sqlite.path_of(settings).exists():
        return IndexFacts(url=settings.url, revision=None, expected=REVISIONS[-1])
    with (
        connect(settings, read_only=True) as database,
        database.transaction("looking at the results index") as connection,
    ):
        revision, latest = revision_of(connection), REVISIONS[-1]
        if revision != latest:
            return IndexFacts(url=database.address, revision=revision, expected=latest)
        return IndexFacts(
            url=database.address,
            revision=revision,
            expected=latest,
            campaigns=connection.scalar(select(func.count()).select_from(CAMPAIGNS)),
            requests=count_requests(connection),
            indexer=connection.scalar(select(TERM.c.indexer)),
            bytes=_size(connection),
        )


def count_requests(connection: Connection) -> int:
    """Return the number of rows of `requests`, of campaigns' figures: to count them takes minutes.

    A loaded list has all its rows there, and strays besides; of others only what ended is there.
    """
    columns = CAMPAIGNS.c
    ended = columns.succeeded + columns.failed + columns.expired + columns.cancelled
    of_list = (columns.list_state == "loaded", func.coalesce(columns.accepted, ended))
    number = select(func.sum(case(of_list, else_=ended) + columns.strays))
    number = number.where(columns.pruned_ms.is_(None))
    return int(connection.scalar(number) or 0)


def _size(connection: Connection) -> int:
    if connection.dialect.name == "postgresql":
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    file = Path(connection.engine.url.database or "")
    files = (file, file.with_name(f"{file.name}-wal"))
    return sum(each.stat().st_size for each in files if each.exists())
