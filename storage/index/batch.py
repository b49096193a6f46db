"""Rows on their way into `requests`: first into a temporary table, then by one statement.

PostgreSQL takes them by COPY, which is several times as fast as INSERT.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
)
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.schema import CreateTable

from seedcast.storage.index import postgresql
from seedcast.storage.index.tables import Key, Name

AT_ONCE = 5000  # rows of a list in memory

_TEMPORARY = MetaData()


def _temporary(name: str, *columns: "Column[Any]") -> Table:
    return Table(
        name, _TEMPORARY, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DELETE ROWS"
    )


# The columns of both are in the order of the rows that are put into them.
RESULTS = _temporary(
    "incoming_results",
    Column("request_id", Name),
    Column("campaign_key", Key),
    Column("own_id", Name),
    Column("status", Name),
    Column("error_code", Name),
    Column("duration_us", BigInteger),
    Column("draw", Integer),
    Column("engine", Key),
    Column("chain", Key),
    Column("ended_ms", BigInteger),
    Column("manifest", LargeBinary),
)
ROWS = _temporary(
    "incoming_rows",
    Column("request_id", Name),
    Column("campaign_key", Key),
    Column("row", BigInteger),
    Column("own_id", Name),
)


def fill(connection: Connection, incoming: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Replace what is in a temporary table, which is made if it is not there."""
    connection.execute(CreateTable(incoming, if_not_exists=True))
    connection.execute(incoming.delete())
    if connection.dialect.name == "postgresql":
        postgresql.copy(connection, incoming, rows)
        return
    if values := [tuple(row) for row in rows]:
        places = ", ".join("?" * len(incoming.columns))
        # By the driver itself: the rows are as it takes them.
        connection.exec_driver_sql(f"INSERT INTO {incoming.name} VALUES ({places})", values)  # noqa: S608


def chunks(rows: Iterable[Any]) -> Iterable[list[Any]]:
    rows = iter(rows)
    while chunk := list(islice(rows, AT_ONCE)):
        yield chunk


def upserting(connection: Connection) -> Callable[[Table], Any]:
    """Return the dialect's INSERT, which has ON CONFLICT."""
    if connection.dialect.name == "postgresql":
        return postgresql_dialect.insert
    return sqlite_dialect.insert
