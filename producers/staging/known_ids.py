"""The request ids of a list so far, on disk: memory stays flat, however long the list is."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from seedcast.errors import LocalResource

# Nobody else reads it, and it need not outlive a crash.
_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
PRAGMA cache_size=-16384;
CREATE TABLE known (id TEXT PRIMARY KEY, digest BLOB NOT NULL, row INTEGER NOT NULL) WITHOUT ROWID;
BEGIN;
"""


@dataclass(frozen=True, slots=True)
class Known:
    request_id: str
    digest: bytes  # of its content
    row: int


class KnownIds:
    """Methods raise LocalResource if the disk fails."""

    def __init__(self) -> None:
        with _mapped():
            # SQLite's empty name is a private database that spills to disk.
            self._db = sqlite3.connect("", isolation_level=None)
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def find(self, request_ids: Sequence[str]) -> dict[str, Known]:
        """Return those that are known, by request id. Takes at most 32,766 ids at once."""
        marks = ",".join("?" * len(request_ids))
        with _mapped():
            rows = self._db.execute(
                f"SELECT id, digest, row FROM known WHERE id IN ({marks})",  # noqa: S608
                request_ids,
            )
            return {found[0]: Known(*found) for found in rows}

    def add(self, entries: Iterable[Known]) -> None:
        # In the table's order: each page is then written once per batch.
        rows = sorted((e.request_id, e.digest, e.row) for e in entries)
        with _mapped():
            self._db.executemany("INSERT INTO known VALUES (?, ?, ?)", rows)


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LocalResource(
            "temporary database of the submission",
            expected="room for a temporary file",
            got=str(error),
            remedy="free disk space, or set TMPDIR to a folder with more",
        ) from error
