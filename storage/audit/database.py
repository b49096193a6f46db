"""An audit's private SQLite database, on disk: 50 MiB of memory, however large the campaign."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from msgspec import msgpack

from seedcast.errors import LocalResource
from seedcast.schemas.messages import SpeechResult
from seedcast.storage.audit import sql


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Where a request, or its audio, is on a topic."""

    request_id: str
    topic: str  # without the deployment's prefix
    partition: int
    offset: int
    timestamp_ms: int
    unread: bool  # True if a worker will still read it

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


class Database:
    """Every method raises LocalResource if the disk fails."""

    def __init__(self) -> None:
        self._fingerprints: dict[str, int] = {}  # a handful
        with _map_errors():
            # An empty name makes a temporary file, which is deleted when it is closed.
            self._db = sqlite3.connect("", isolation_level=None)
            self._db.executescript(sql.SCHEMA)

    def close(self) -> None:
        self._db.close()

    def add_requests(self, positions: Iterable[RecordPosition]) -> None:
        self._execute_many(
            sql.ADD_REQUEST,
            ((p.request_id, p.unread, p.topic, str(p), p.timestamp_ms) for p in positions),
        )

    def add_results(self, results: Sequence[SpeechResult]) -> None:
        """Add results and the objects that they name.

        Results without a campaign are kept too: the request's campaign may have been unreadable,
        and the request's id then shows whose result it is.
        """
        self._execute_many(sql.ADD_RESULT, (self._result_row(result) for result in results))
        objects = (
            (rendition.uri, rendition.bytes, rendition.sha256, result.request_id)
            for result in results
            if result.campaign_id
            for rendition in result.renditions
        )
        self._execute_many(sql.ADD_MANIFEST_OBJECT, objects)

    def add_listed_objects(self, objects: Iterable[tuple[str, int]]) -> None:
        """Add the URI and the size in bytes of each object that the store listed."""
        self._execute_many(sql.ADD_LISTED_OBJECT, objects)

    def add_list_rows(self, rows: Iterable[tuple[bool, int, str]]) -> None:
        """Add rows of the list: whether the cursor calls it fed, row number and request id."""
        self._execute_many(sql.ADD_LIST_ROW, rows)

    def set_strays_apart(self) -> None:
        """Remove requests and results that the list does not have, and remember their ids.

        The objects of their manifests stay: they are no orphans.
        """
        for statement in sql.SET_STRAYS_APART:
            self._execute_many(statement, [()])

    def find_unaccounted(self) -> int:
        """Find requests without an outcome that no worker will read, or that only the list has.

        Rows of the list count if they are fed. Audio and dead letters are searched for all of them
        later. Returns how many there are.
        """
        self._execute_many(sql.ADD_UNACCOUNTED_REQUESTS, [()])
        self._execute_many(sql.ADD_UNACCOUNTED_ROWS, [()])
        return self.count("SELECT * FROM unaccounted")

    def add_audio(self, positions: Iterable[RecordPosition]) -> None:
        """Note the audio of unaccounted requests; ignore other audio."""
        self._execute_many(sql.SET_AUDIO, ((str(p), p.unread, p.request_id) for p in positions))

    def add_dead_letters(self, letters: Iterable[tuple[str, str]]) -> None:
        """Note the dead letters of unaccounted requests, the last of each; ignore others.

        `letters`: position and request id of each dead letter that came from an audio topic.
        """
        self._execute_many(sql.SET_DEAD_LETTER, letters)

    def add_faults(self, faults: Iterable[tuple[str, str, str, int, str]]) -> None:
        """Note the faults of objects.

        `faults`: the fault, what was got, and the URI, bytes and SHA-256 that the manifest names.
        """
        self._execute_many(sql.SET_FAULT, faults)

    def fingerprint(self, number: int) -> str:
        return next(text for text, known in self._fingerprints.items() if known == number)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with _map_errors():
            return self._db.execute(query, parameters).fetchall()

    def count(self, query: str, *parameters: object) -> int:
        return int(self.rows(f"SELECT count(*) FROM ({query})", *parameters)[0][0])  # noqa: S608

    def total(self, query: str) -> int:
        """Return the query's one number, or 0 if it is NULL, as a sum of no rows is."""
        return int(self.rows(query)[0][0] or 0)

    def _result_row(self, result: SpeechResult) -> tuple[object, ...]:
        engine, chain, waveform = 0, 0, b""
        if receipt := result.receipt:
            engine = self._fingerprint_number(receipt.engine_fingerprint)
            chain = self._fingerprint_number(receipt.chain_fingerprint)
            waveform = bytes.fromhex(receipt.waveform_sha256)
        return (
            result.request_id,
            result.campaign_id is not None,
            result.status,
            engine,
            chain,
            waveform,
            _renditions_digest(result),
        )

    def _fingerprint_number(self, fingerprint: str) -> int:
        return self._fingerprints.setdefault(fingerprint, len(self._fingerprints) + 1)

    def _execute_many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with _map_errors():
            self._db.execute("BEGIN")
            self._db.executemany(statement, rows)
            self._db.execute("COMMIT")


def _renditions_digest(result: SpeechResult) -> bytes:
    renditions = [(r.profile, r.uri, r.bytes, r.sha256) for r in result.renditions]
    return blake2b(msgpack.encode(renditions), digest_size=16).digest()


@contextmanager
def _map_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LocalResource(
            "temporary database of the audit",
            expected="room for a temporary file",
            got=str(error),
            remedy="free disk space, or set TMPDIR to a folder with more",
        ) from error
