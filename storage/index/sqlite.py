"""The index in a SQLite file, for one machine: one process writes, any number read.

It is in WAL mode, so that readers and the writer never wait for each other, and synchronous=NORMAL:
a power cut may lose the last transactions, never the half of one. What was lost is read again from
Kafka, since the positions are in the same transaction as the rows.
"""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from seedcast import private_files
from seedcast.errors import LocalResource
from seedcast.settings import IndexSettings

CACHE = 64 * 1024  # KiB
PAGE = 8192  # bytes; seven requests
CHECKPOINT = 4000  # pages; the WAL is copied into the file at about 32 MB


def path_of(settings: IndexSettings) -> Path:
    return Path(make_url(settings.url).database or "")


def engine(settings: IndexSettings, *, read_only: bool) -> Engine:
    """Return an engine; only one that may write creates the file."""
    path, mode = path_of(settings), "rw" if read_only else "rwc"

    def connect() -> sqlite3.Connection:
        if not read_only:
            _make_private(path)
        # isolation_level=None: the driver begins no transaction of its own, `_begin` does.
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,  # the pool lends it to one thread at a time
            timeout=settings.lock_timeout,
        )
        for pragma in _pragmas(read_only):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    made = create_engine(f"sqlite:///{path}", creator=connect)
    event.listen(made, "begin", _begin_reading if read_only else _begin_writing)
    return made


def _make_private(path: Path) -> None:
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
            f"the results index in {path}",
            expected="a file that this user may write, in a folder that exists",
            got=error.strerror or str(error),
            remedy="correct SEEDCAST_INDEX_URL, or make the folder",
        ) from error


def _pragmas(read_only: bool) -> list[str]:
    if read_only:
        return ["query_only=ON", f"cache_size=-{CACHE}"]
    return [
        f"page_size={PAGE}",  # of a new file
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"cache_size=-{CACHE}",
        "temp_store=MEMORY",
        f"wal_autocheckpoint={CHECKPOINT}",
    ]


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    # A transaction that reads first and writes then could not wait for another's lock.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
