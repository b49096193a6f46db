"""A schema in a SQLite file, for one machine: one process writes at a time, any number read.

It is in WAL mode, so that readers and the writer never wait for each other. The index has
synchronous=NORMAL: a power cut may lose the last transactions, never the half of one. What was lost
is read again from Kafka, since the positions are in the same transaction as the rows.
"""

import os
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError

from seedcast import private_files
from seedcast.errors import LocalResource
from seedcast.settings import DatabaseSettings
from seedcast.storage.index.schema import Schema

CACHE = 64 * 1024  # KiB
PAGE = 8192  # bytes; seven requests
CHECKPOINT = 4000  # pages; the WAL is copied into the file at about 32 MB


def path_of(settings: DatabaseSettings) -> Path:
    return Path(make_url(settings.url).database or "")


def engine(settings: DatabaseSettings, schema: Schema, *, read_only: bool) -> Engine:
    """Return an engine; only one that may write creates the file."""
    path, mode = path_of(settings), "rw" if read_only else "rwc"

    def connect() -> sqlite3.Connection:
        if not read_only:
            _make_private(path, schema)
        # isolation_level=None: the driver begins no transaction of its own, `_begin` does.
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,  # the pool lends it to one thread at a time
            timeout=settings.lock_timeout,
        )
        if not read_only:
            _use_wal(connection, settings.lock_timeout)
        for pragma in _pragmas(schema, read_only):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    # Threads that write queue for one connection: they would wait longer for each other's locks.
    queue = {} if read_only else {"pool_size": 1, "max_overflow": 0}
    made = create_engine(
        f"sqlite:///{path}", creator=connect, pool_timeout=settings.lock_timeout, **queue
    )
    event.listen(made, "begin", _begin_reading if read_only else _begin_writing)
    _follow_path(made, path)
    return made


def set_aside(settings: DatabaseSettings) -> Path:
    """Rename a file that cannot be read, with what SQLite keeps beside it; return its new name.

    None of them is opened, since that would end the locks of this process. Raises LocalResource.
    """
    path = path_of(settings)
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    try:
        # The log first: beside a new file SQLite would take it for that one's.
        for ending in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                os.rename(f"{path}{ending}", f"{aside}{ending}")
    except OSError as error:
        raise LocalResource(
            f"setting the damaged index in {path} aside",
            expected="a folder that this user may write",
            got=error.strerror or str(error),
        ) from error
    return aside


def _follow_path(engine: Engine, path: Path) -> None:
    """Connect anew where another file has come under the name: a rebuild has set this one aside."""

    def note(_: Any, record: Any) -> None:
        record.info["file"] = _identity(path)

    def compare(_: Any, record: Any, __: Any) -> None:
        if record.info["file"] != _identity(path):
            raise DisconnectionError(f"{path} is another file now")

    event.listen(engine, "connect", note)
    event.listen(engine, "checkout", compare)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_private(path: Path, schema: Schema) -> None:
    """Make the file its owner's alone. SQLite gives those beside it the same mode.

    A file that exists is never opened here: to close it would end every lock that this process has
    on it, and another process would take itself for the last reader, and remove the WAL in use.
    """
    try:
        if path.exists():
            path.chmod(0o600)
        else:
            private_files.create(path, "ab").close()
    except OSError as error:
        raise LocalResource(
            f"{schema.title} in {path}",
            expected="a file that this user may write, in a folder that exists",
            got=error.strerror or str(error),
            remedy=f"correct {schema.variable('url')}, or make the folder",
        ) from error


def _use_wal(connection: sqlite3.Connection, seconds: float) -> None:
    """Of several processes that open a new file at once all but one are refused without a wait."""
    from seedcast.retry import BRIEF_BACKOFF, retry  # metrics, too, which readers do not need

    connection.execute(f"PRAGMA page_size={PAGE}")  # of a new file
    retry(
        lambda: connection.execute("PRAGMA journal_mode=WAL"),
        seconds=seconds,
        backoff=BRIEF_BACKOFF,
        retry_on=lambda error: getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY",
    )


def _pragmas(schema: Schema, read_only: bool) -> list[str]:
    if read_only:
        return ["query_only=ON", f"cache_size=-{CACHE}"]
    return [
        f"synchronous={'NORMAL' if schema.is_derived else 'FULL'}",
        f"cache_size=-{CACHE}",
        "temp_store=MEMORY",
        f"wal_autocheckpoint={CHECKPOINT}",
    ]


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    # A transaction that reads first and writes then could not wait for another's lock.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
