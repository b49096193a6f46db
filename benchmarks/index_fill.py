"""Fills an index at once: lists with all their results, in a tenth of an indexer's time.

What is there in the end is what an indexer leaves, but for the places of rows in their pages. How
fast an indexer writes is not measured by it.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select, text, update

from seedcast.settings import IndexSettings
from seedcast.storage.index import postgresql
from seedcast.storage.index.counters import count_anew
from seedcast.storage.index.database import open_database
from seedcast.storage.index.tables import CAMPAIGNS, REQUESTS

AT_ONCE = 20_000  # rows of one statement
PATIENT = {"statement_timeout": 3600.0}  # seconds: an index of all rows takes minutes
SQLITE_CACHE = 1 << 20  # KiB: else inserting into its primary key reads pages all the time

# The columns of `requests` that follow its request id and its campaign's key.
Values = tuple[Any, ...]


def fill(
    settings: IndexSettings, campaigns: Iterable[tuple[str, Iterable[tuple[str, Values]]]]
) -> None:
    """Store the requests of campaigns that the index knows: name, and request ids with values."""
    with open_database(settings.model_copy(update=PATIENT), read_only=False) as database:
        with database.transaction("dropping indexes") as connection:
            _drop_indexes(connection)
            keys = dict(
                connection.execute(select(CAMPAIGNS.c.campaign_id, CAMPAIGNS.c.key)).tuples().all()
            )
        for name, requests in campaigns:
            with database.transaction(f"storing {name}") as connection:
                _store(connection, ((each, keys[name], *values) for each, values in requests))
        with database.transaction("making indexes") as connection:
            _make_indexes(connection)
            connection.execute(update(CAMPAIGNS).values(list_state="loaded"))
        for name, key in keys.items():
            with database.transaction(f"counting {name}") as connection:
                count_anew(connection, key)


def _drop_indexes(connection: Connection) -> None:
    for index in REQUESTS.indexes:
        index.drop(connection)
    if connection.dialect.name == "postgresql":
        # Rows come with their results, and grow no more.
        connection.execute(text("ALTER TABLE requests SET (fillfactor = 100)"))
        connection.execute(text("ALTER TABLE requests DROP CONSTRAINT pk_requests"))
    else:
        connection.execute(text(f"PRAGMA cache_size = -{SQLITE_CACHE}"))


def _make_indexes(connection: Connection) -> None:
    for index in REQUESTS.indexes:
        index.create(connection)
    if connection.dialect.name == "postgresql":
        key = "PRIMARY KEY (request_id, campaign_key)"
        connection.execute(text(f"ALTER TABLE requests ADD CONSTRAINT pk_requests {key}"))
        connection.execute(text("ALTER TABLE requests SET (fillfactor = 10)"))
        connection.execute(text("ANALYZE requests"))  # as autovacuum does, sooner or later


def _store(connection: Connection, rows: Iterator[Values]) -> None:
    if connection.dialect.name == "postgresql":
        postgresql.copy(connection, REQUESTS, rows)
        return
    places = ", ".join("?" * len(REQUESTS.columns))
    while chunk := list(islice(rows, AT_ONCE)):
        connection.exec_driver_sql(f"INSERT INTO requests VALUES ({places})", chunk)  # noqa: S608
