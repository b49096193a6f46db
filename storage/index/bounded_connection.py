"""A connection to PostgreSQL that waits for an answer only as long as it was told.

libpq has no time-out for an answer. The server ends a long statement itself, by its
`statement_timeout`; one that is frozen, or behind a proxy that is, cannot. Nor does TCP notice: the
kernel of the server, or the proxy, acknowledges keepalives and what is sent.
"""

from typing import TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout
from psycopg.rows import TupleRow

T = TypeVar("T")

_INTERVAL = 0.1  # seconds between two looks for Ctrl-C, psycopg's own


class BoundedConnection(Connection[TupleRow]):
    limit: float | None = None  # seconds for an answer

    def wait(self, gen: PQGen[T], interval: float = _INTERVAL, timeout: float | None = None) -> T:
        """Every statement waits here. Closes the connection, and raises OperationalError."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.limit)
        except _WaitTimeout as error:
            self.close()  # what it was asked may still happen, and its answer come
            raise OperationalError(f"no answer within {self.limit:g} s") from error
