"""Open the database that the settings name, SQLite or PostgreSQL, and compare its schema."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, column, inspect, select, table

from seedcast.settings import DatabaseSettings
from seedcast.storage.index import postgresql, sqlite
from seedcast.storage.index.error_mapping import FOREIGN, translate
from seedcast.storage.index.schema import Schema
from seedcast.storage.index.tables import INDEX


class Database:
    """A pool of connections. What it raises is Seedcast's."""

    def __init__(self, engine: Engine, schema: Schema) -> None:
        self._engine, self._schema = engine, schema

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def transaction(self, doing: str) -> Iterator[Connection]:
        """Yield a connection in a transaction, committed at the end unless something is raised.

        Raises the schema's `unavailable` where it may heal, and Fatal errors.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except FOREIGN as error:
            raise translate(error, doing, self.address, self._schema) from error

    @property
    def address(self) -> str:
        return self._engine.url.render_as_string(hide_password=True)

    def revision(self) -> str | None:
        """Return the schema's revision, or None if there are no tables."""
        with self.transaction(f"opening {self._schema.title}") as connection:
            return revision_of(connection, self._schema)


def open_database(
    settings: DatabaseSettings, schema: Schema = INDEX, *, read_only: bool
) -> Database:
    """Connect, and compare the schema with this version's.

    Raises the schema's `unavailable` if the server does not answer, its `mismatch` if it is older
    or newer, or there is none, InvalidSettings, CredentialsRefused and AccessDenied.
    """
    database = connect(settings, schema, read_only=read_only)
    try:
        check_revision(database.revision(), schema)
    except Exception:
        database.close()
        raise
    return database


def connect(settings: DatabaseSettings, schema: Schema = INDEX, *, read_only: bool) -> Database:
    """Return a database whose schema may be any. Connects at the first transaction."""
    kind = sqlite if settings.url.startswith("sqlite:") else postgresql
    return Database(kind.engine(settings, schema, read_only=read_only), schema)


def revision_of(connection: Connection, schema: Schema = INDEX) -> str | None:
    if not inspect(connection).has_table(schema.version_table):
        return None
    versions = table(schema.version_table, column("version_num"))
    return connection.scalar(select(versions.c.version_num))


def check_revision(found: str | None, schema: Schema = INDEX) -> None:
    """Raises the schema's `mismatch` unless it is this version's."""
    if found == schema.revisions[-1]:
        return
    is_newer = found is not None and found not in schema.revisions
    raise schema.mismatch(
        f"the schema of {schema.title}",
        expected=f"revision {schema.revisions[-1]}",
        got=f"revision {found}" if found else "none",
        remedy="it is of a newer Seedcast: upgrade this one" if is_newer else schema.migrate,
    )
