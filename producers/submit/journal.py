"""What a campaign has accepted, in SQLite beside the file.

It holds the request id, the digest of the content, and whether Kafka has acknowledged it. The topic
is the truth and this is its index. An intent is written before a batch is sent, and the batch is
marked once all of it is acknowledged. So after a crash exactly the unmarked batches are in doubt,
and the topic is read to settle them.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seedcast.errors import LocalResource
from seedcast.private_files import create

ADOPTED = 0  # the batch of requests that were found on the topic
# A commit in the write-ahead log survives a killed process without an fsync. What a crash of the
# machine loses is sent again, under the same id.
# 64 MiB of cache and of log: ids are spread over the whole table, and with less the same pages are
# written again and again (20 % of all rows/s).
_SCHEMA = """
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
PRAGMA cache_size=-65536;
PRAGMA wal_autocheckpoint=16384;
CREATE TABLE IF NOT EXISTS campaign (identity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batch (number INTEGER PRIMARY KEY, acknowledged INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
    id TEXT PRIMARY KEY, digest BLOB NOT NULL, row INTEGER NOT NULL, batch INTEGER NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    request_id: str
    digest: bytes
    row: int  # 0: unknown


class Journal:
    """For one process at a time. Methods raise LocalResource if the disk or the file fails."""

    def __init__(self, path: Path | None) -> None:
        """None: a temporary journal on disk, which is deleted when it is closed."""
        self._path = path
        with self._mapped():
            if path:
                create(path, "ab").close()  # before SQLite would, and others could read it
            # SQLite's empty name is a private database that spills to disk.
            # Do not wait for a lock: the other process may hold it for hours.
            self._db = sqlite3.connect(path or "", timeout=0, isolation_level=None)
            self._db.executescript(_SCHEMA)
            self._db.execute("BEGIN EXCLUSIVE").execute("COMMIT")
            self._next = int(
                self._db.execute("SELECT coalesce(max(number), 0) FROM batch").fetchone()[0]
            )

    def close(self) -> None:
        self._db.close()

    @property
    def identity(self) -> str | None:
        """The campaign and cluster that the journal belongs to; None if it is new."""
        with self._mapped():
            found = self._db.execute("SELECT identity FROM campaign").fetchone()
        return found and str(found[0])

    @property
    def in_doubt(self) -> bool:
        """True if something was sent whose acknowledgement was not recorded."""
        with self._mapped():
            return (
                self._db.execute("SELECT 1 FROM batch WHERE acknowledged = 0").fetchone()
                is not None
            )

    @property
    def accepted(self) -> int:
        with self._mapped():
            return int(
                self._db.execute(
                    "SELECT count(*) FROM entry JOIN batch ON number = batch WHERE acknowledged"
                ).fetchone()[0]
            )

    def find(self, request_ids: Sequence[str]) -> dict[str, Entry]:
        """Return the known entries by request id. Takes at most 32,766 ids at once."""
        marks = ",".join("?" * len(request_ids))
        with self._mapped():
            rows = self._db.execute(
                f"SELECT id, digest, row FROM entry WHERE id IN ({marks})",  # noqa: S608
                request_ids,
            )
            return {request_id: Entry(request_id, digest, row) for request_id, digest, row in rows}

    def intend(self, entries: Iterable[Entry]) -> int:
        """Record what is about to be sent. Returns the number of the batch."""
        self._next += 1
        with self._transaction():
            self._db.execute("INSERT INTO batch VALUES (?, 0)", (self._next,))
            self._db.executemany(
                "INSERT INTO entry VALUES (?, ?, ?, ?)",
                ((e.request_id, e.digest, e.row, self._next) for e in entries),
            )
        return self._next

    def acknowledge(self, batches: Iterable[int]) -> None:
        """Mark batches as acknowledged."""
        if not (marked := [(batch,) for batch in batches]):
            return
        with self._transaction():
            self._db.executemany("UPDATE batch SET acknowledged = 1 WHERE number = ?", marked)

    def rebuild(self, identity: str, found: Iterable[Entry]) -> None:
        """Replace what is in doubt by what was found on the topic, in one transaction.

        Acknowledged entries are kept if the identity is the same, and deleted otherwise.
        """
        with self._transaction():
            if self.identity != identity:
                self._db.execute("DELETE FROM entry")
                self._db.execute("DELETE FROM batch")
            self._db.execute(
                "DELETE FROM entry WHERE batch IN (SELECT number FROM batch WHERE acknowledged = 0)"
            )
            self._db.execute("DELETE FROM batch WHERE acknowledged = 0")
            self._db.execute("INSERT OR REPLACE INTO batch VALUES (?, 1)", (ADOPTED,))
            self._db.executemany(
                "INSERT OR IGNORE INTO entry VALUES (?, ?, ?, ?)",
                ((e.request_id, e.digest, e.row, ADOPTED) for e in found),
            )
            self._db.execute("DELETE FROM campaign")
            self._db.execute("INSERT INTO campaign VALUES (?)", (identity,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._mapped():
            self._db.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error | OSError) -> LocalResource:
        where = f"journal {self._path or '(temporary)'}"
        code = getattr(error, "sqlite_errorcode", None)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return LocalResource(
                where,
                expected="no other process that uses it",
                got="another process submits this campaign",
                remedy="wait until that one has finished",
            )
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return LocalResource(
                where,
                expected="a journal",
                got=str(error),
                remedy="remove it: the next run builds it again from the topic",
            )
        return LocalResource(
            where,
            expected="a folder to write to",
            got=str(error),
            remedy="choose another with --state-dir (SubmitOptions.state_dir)",
        )
