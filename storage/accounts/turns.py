"""Whoever counts before it inserts takes its turn, so that two at once do not both find room."""

from sqlalchemy import Connection, func, select


def take_turn(connection: Connection, *names: str) -> None:
    """Wait for the transactions that have taken the turn of these names.

    SQLite needs none: there one transaction writes at a time. No row is locked: a token of an
    issuer has no row among the keys, nor has a tenant any.
    """
    if connection.dialect.name == "postgresql":
        number = func.hashtextextended("\n".join(names), 0)
        connection.execute(select(func.pg_advisory_xact_lock(number)))
