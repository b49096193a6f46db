"""Open the database that the settings name, SQLite or PostgreSQL, and compare its schema."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from seedcast.settings import IndexSettings


class Database:
    """A pool of connections. What it raises is Seedcast's."""

    def __init__(self, engine: Engine, settings: IndexSettings) -> None:
        self._engine = engine
        self.settings = settings

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def transaction(self, doing: str) -> Iterator[Connection]:
        """Yield a connection in a transaction, committed at the end unless something is raised.

        Raises IndexUnavailable where it may heal, and Fatal errors.
        """
        raise NotImplementedError
        yield


def open_database(settings: IndexSettings, *, read_only: bool) -> Database:
    """Connect, and compare the schema with this version's.

    Raises IndexUnavailable if the server does not answer, IndexMismatch if the schema is older or
    newer, or there is none, InvalidSettings, CredentialsRefused and AccessDenied.
    """
    raise NotImplementedError
