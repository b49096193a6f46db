"""Open the database that the settings name, SQLite or PostgreSQL, and compare its schema."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, column, inspect, select, table

from seedcast.errors import IndexMismatch
from seedcast.settings import IndexSettings
from seedcast.storage.index import postgresql, sqlite
from seedcast.storage.index.error_mapping import FOREIGN, translate
from seedcast.storage.index.tables import REVISIONS, VERSION_TABLE


class Database:
    """A pool of connections. What it raises is Seedcast's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        try:
            with self._engine.begin() as connection:
                yield connection
        except FOREIGN as error:
            raise translate(error, doing, self.address) from error

    @property
    def address(self) -> str:
        return self._engine.url.render_as_string(hide_password=True)

    def revision(self) -> str | None:
        """Return the schema's revision, or None if there is no index."""
        with self.transaction("opening the results index") as connection:
            return revision_of(connection)


def open_database(settings: IndexSettings, *, read_only: bool) -> Database:
    """Connect, and compare the schema with this version's.

    Raises IndexUnavailable if the server does not answer, IndexMismatch if the schema is older or
    newer, or there is none, InvalidSettings, CredentialsRefused and AccessDenied.
    """
    database = connect(settings, read_only=read_only)
    try:
        check_revision(database.revision())
    except Exception:
        database.close()
        raise
    return database


def connect(settings: IndexSettings, *, read_only: bool) -> Database:
    """Return a database whose schema may be any. Connects at the first transaction."""
    kind = sqlite if settings.url.startswith("sqlite:") else postgresql
    return Database(kind.engine(settings, read_only=read_only))


def revision_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    versions = table(VERSION_TABLE, column("version_num"))
    return connection.scalar(select(versions.c.version_num))


def check_revision(found: str | None) -> None:
    """Raises IndexMismatch unless it is this version's."""
    if found == REVISIONS[-1]:
        return
    is_newer = found is not None and found not in REVISIONS
    raise IndexMismatch(
        "the schema of the results index",
        expected=f"revision {REVISIONS[-1]}",
        got=f"revision {found}" if found else "none",
        remedy="it is of a newer Seedcast: upgrade this one"
        if is_newer
        else "start `seedcast run indexer` of this version, or run `seedcast index migrate`",
    )
