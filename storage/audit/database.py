"""What an audit has read, in SQLite on disk: 50 MiB of memory, whatever the size of the campaign."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from msgspec import msgpack

from schemas.messages import SpeechResult
from seedcast.errors import LocalResource

# A private database has no other reader and need not outlive a crash. 32 MiB of cache: with 64, half a million requests take no less time.
# `torn`: ids with results that differ. What compares results looks at these alone: to sort those of half a million requests takes 90 MiB.
_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
PRAGMA cache_size=-32768;
CREATE TABLE request (id TEXT PRIMARY KEY, copies INTEGER, open INTEGER, topic TEXT, place TEXT, at_ms INTEGER) WITHOUT ROWID;
CREATE TABLE result (
    seq INTEGER PRIMARY KEY, id TEXT, first INTEGER, ours INTEGER, status TEXT, engine INTEGER, chain INTEGER, waveform BLOB, renditions BLOB,
    times INTEGER, UNIQUE (id, ours, status, engine, chain, waveform, renditions)
);
CREATE TABLE object (uri TEXT, bytes INTEGER, sha256 TEXT, id TEXT, fault TEXT, got TEXT, PRIMARY KEY (uri, bytes, sha256)) WITHOUT ROWID;
CREATE TABLE listed (uri TEXT PRIMARY KEY, bytes INTEGER) WITHOUT ROWID;
CREATE TABLE expected (id TEXT PRIMARY KEY, row INTEGER) WITHOUT ROWID;
CREATE TABLE suspect (id TEXT PRIMARY KEY, at_ms INTEGER, place TEXT, row INTEGER, audio TEXT, audio_open INTEGER, letter TEXT) WITHOUT ROWID;
CREATE VIEW mine AS SELECT * FROM result WHERE ours OR id IN (SELECT id FROM request) OR id IN (SELECT id FROM expected);
CREATE VIEW outcome AS SELECT * FROM mine WHERE first;
CREATE VIEW spoken AS SELECT * FROM result WHERE ours AND status = 'succeeded' AND engine;
CREATE VIEW torn AS SELECT id FROM result GROUP BY id HAVING count(*) > 1;
CREATE VIEW waiting AS SELECT * FROM request WHERE open AND id NOT IN (SELECT id FROM outcome);
"""
# One request may lie at several places (sent again, parked, put back): it is open while one of them is.
_REQUEST = """
INSERT INTO request VALUES (?, 1, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET copies = copies + 1,
    topic = iif(excluded.open, excluded.topic, topic), place = iif(excluded.open, excluded.place, place),
    open = max(open, excluded.open), at_ms = max(at_ms, excluded.at_ms)
"""
_RESULT = """
INSERT INTO result (id, first, ours, status, engine, chain, waveform, renditions, times)
    VALUES (?1, NOT EXISTS (SELECT 1 FROM result WHERE id = ?1), ?2, ?3, ?4, ?5, ?6, ?7, 1)
    ON CONFLICT DO UPDATE SET times = times + 1
"""
_OBJECT = "INSERT OR IGNORE INTO object (uri, bytes, sha256, id) VALUES (?, ?, ?, ?)"
_SUSPECTS = "INSERT INTO suspect (id, at_ms, place) SELECT id, at_ms, place FROM request WHERE NOT open AND id NOT IN (SELECT id FROM outcome)"
_UNKNOWN = """
INSERT INTO suspect (id, row) SELECT id, row FROM expected WHERE id NOT IN (SELECT id FROM request) AND id NOT IN (SELECT id FROM result)
"""
# Audio that is still to be taken outweighs audio that was: only one of them has to give the outcome.
_AUDIO = "UPDATE suspect SET audio = ?, audio_open = ? WHERE id = ? AND audio_open IS NOT 1"
_LETTER = "UPDATE suspect SET letter = ? WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Place:
    """A request where it was found."""

    request_id: str
    topic: str  # without the deployment's prefix
    partition: int
    offset: int
    at_ms: int
    open: bool  # whether a worker is still to read it

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


class Database:
    """Every method raises LocalResource where the disk fails."""

    def __init__(self) -> None:
        self._fingerprints: dict[str, int] = {}  # a handful
        with _mapped():
            self._db = sqlite3.connect(
                "", isolation_level=None
            )  # SQLite's empty name: a temporary file, gone when it is closed
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def add_requests(self, places: Iterable[Place]) -> None:
        self._many(_REQUEST, ((p.request_id, p.open, p.topic, str(p), p.at_ms) for p in places))

    def add_results(self, results: Sequence[SpeechResult]) -> None:
        """Those without a campaign are kept, too: it may have been unreadable, and the request's id tells."""
        self._many(_RESULT, (self._result(result) for result in results))
        self._many(
            _OBJECT,
            (
                (r.uri, r.bytes, r.sha256, result.request_id)
                for result in results
                if result.campaign_id
                for r in result.renditions
            ),
        )

    def add_listed(self, objects: Iterable[tuple[str, int]]) -> None:
        """URI and bytes of each."""
        self._many("INSERT OR REPLACE INTO listed VALUES (?, ?)", objects)

    def add_expected(self, rows: Iterable[tuple[int, str]]) -> None:
        """Row number and request id of each row of the list; the first of an id counts."""
        self._many("INSERT OR IGNORE INTO expected (row, id) VALUES (?, ?)", rows)

    def find_suspects(self) -> int:
        """Requests without an outcome that no worker will read again, or that only the list has: their audio must tell. Returns how many."""
        self._many(_SUSPECTS, [()])
        self._many(_UNKNOWN, [()])
        return self.count("SELECT * FROM suspect")

    def add_audio(self, places: Iterable[Place]) -> None:
        """Those of suspects are noted."""
        self._many(_AUDIO, ((str(p), p.open, p.request_id) for p in places))

    def add_letters(self, letters: Iterable[tuple[str, str]]) -> None:
        """Place and request id of each dead letter that came from an audio topic. Those of suspects are noted, the last of each."""
        self._many(_LETTER, letters)

    def judge_objects(self, faults: Iterable[tuple[str, str, str, int, str]]) -> None:
        """Fault, what was got, and the object's URI, bytes and SHA-256."""
        self._many(
            "UPDATE object SET fault = ?, got = ? WHERE uri = ? AND bytes = ? AND sha256 = ?",
            faults,
        )

    def fingerprint(self, number: int) -> str:
        return next(text for text, known in self._fingerprints.items() if known == number)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with _mapped():
            return self._db.execute(query, parameters).fetchall()

    def count(self, query: str, *parameters: object) -> int:
        return int(self.rows(f"SELECT count(*) FROM ({query})", *parameters)[0][0])  # noqa: S608

    def total(self, query: str) -> int:
        """A sum; 0 of nothing."""
        return int(self.rows(query)[0][0] or 0)

    def _result(self, result: SpeechResult) -> tuple[object, ...]:
        engine, chain, waveform = 0, 0, b""
        if receipt := result.receipt:
            engine, chain = (
                self._number(receipt.engine_fingerprint),
                self._number(receipt.chain_fingerprint),
            )
            waveform = bytes.fromhex(receipt.waveform_sha256)
        renditions = blake2b(
            msgpack.encode([(r.profile, r.uri, r.bytes, r.sha256) for r in result.renditions]),
            digest_size=16,
        ).digest()
        return (
            result.request_id,
            result.campaign_id is not None,
            result.status,
            engine,
            chain,
            waveform,
            renditions,
        )

    def _number(self, fingerprint: str) -> int:
        return self._fingerprints.setdefault(fingerprint, len(self._fingerprints) + 1)

    def _many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with _mapped():
            self._db.execute("BEGIN")
            self._db.executemany(statement, rows)
            self._db.execute("COMMIT")


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LocalResource(
            "notes of the audit",
            expected="room for a temporary file",
            got=str(error),
            remedy="free some, or point TMPDIR elsewhere",
        ) from error
