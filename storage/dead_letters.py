"""Dead letters: records that a stage could not read, with headers that say why and from where.

The record's key and value are unchanged. Header names are Kafka Connect's (KIP-298), so that its
tools can read ours. The topic takes a record somewhat larger than any request. A larger one
(audio) goes to the object store, and the dead letter refers to it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from seedcast.errors import MissingObject, SeedcastError, Undecodable
from seedcast.kafka import Headers, Record
from seedcast.schemas.topics import DEAD_LETTERS
from seedcast.storage.objects import ObjectStore

PREFIX = "_dead-letters"  # of object keys; no campaign id can begin with an underscore
CONNECT = "__connect.errors."
TOPIC, PARTITION, OFFSET = f"{CONNECT}topic", f"{CONNECT}partition", f"{CONNECT}offset"
STAGE, CLASS, MESSAGE = f"{CONNECT}stage", f"{CONNECT}class.name", f"{CONNECT}exception.message"
EXCEPTION_CLASS = f"{CONNECT}exception.class.name"  # equals CLASS; Connect's own tools read this
# ISO 8601; kept when a record that was put back fails again.
FIRST_FAILURE = "seedcast.first-failure"
# How often the record became a dead letter: 1, and one more each time it is put back and fails.
DELIVERY_COUNT = "seedcast.delivery-count"
WORKER = "seedcast.version"
# The URI of the value, or of the key, if it is not in the record.
OBJECT, KEY_OBJECT = "seedcast.object", "seedcast.object.key"
# Prefixes the names of the record's own headers, so that none can pass for one of ours.
ORIGINAL = "seedcast.original."

_ENVELOPE = 256  # bytes; Kafka's batch (61) and record (up to 40) with room to spare
_PER_HEADER = 10  # bytes; the lengths of name and value, as varints
_MESSAGE_LIMIT = 2048  # bytes of UTF-8
_HEADER_RESERVE = 1024  # bytes kept for the record's own headers


@dataclass(frozen=True)
class DeadLetter:
    """One record of the dead-letters topic, parsed."""

    position: int  # its own offset on the dead-letters topic
    topic: str  # the failed record's topic, and its partition and offset there
    partition: int
    offset: int
    stage: str
    error: str  # class
    message: str
    first_failure: datetime
    worker_version: str
    delivery_count: int  # from 1
    key: bytes | None
    value: bytes  # empty if `value_object` is given
    headers: tuple[tuple[str, bytes], ...]  # the failed record's own, as far as they fitted
    value_object: str | None = None  # URI
    key_object: str | None = None  # URI


def dead_letter(
    record: Record,
    error: SeedcastError,
    *,
    stage: str,
    store: ObjectStore,
    now: datetime | None = None,
) -> tuple[bytes | None, bytes, Headers]:
    """Return key, value and headers of a dead letter that fits the topic, whatever its size.

    A key or value that is too large is stored as an object. Raises StoreUnavailable.
    """
    headers = [
        (name, value.encode())
        for name, value in _reasons(record, error, stage, now or datetime.now(UTC))
    ]
    key, value, room = record.key, record.value, _room(headers)
    if key is not None and len(key) > room // 2:
        headers.append((KEY_OBJECT, _store_object(key, store)))
        key = None
    if len(value) + len(key or b"") + _HEADER_RESERVE > room:
        headers.append((OBJECT, _store_object(value, store)))
        value = b""
    remaining = _room(headers) - len(key or b"") - len(value)
    return key, value, [*headers, *_headers_that_fit(record, remaining)]


def parse(record: Record) -> DeadLetter:
    """Parse a record of the dead-letters topic. Raises Undecodable if it is not a dead letter."""
    headers = dict(record.headers)
    try:
        return DeadLetter(
            position=record.offset,
            topic=headers[TOPIC].decode(),
            partition=int(headers[PARTITION]),
            offset=int(headers[OFFSET]),
            stage=headers[STAGE].decode(),
            error=headers[CLASS].decode(),
            message=headers[MESSAGE].decode(),
            first_failure=datetime.fromisoformat(headers[FIRST_FAILURE].decode()),
            worker_version=headers[WORKER].decode(),
            delivery_count=int(headers.get(DELIVERY_COUNT, b"1")),
            key=record.key,
            value=record.value,
            headers=tuple(_original_headers(record)),
            value_object=headers[OBJECT].decode() if OBJECT in headers else None,
            key_object=headers[KEY_OBJECT].decode() if KEY_OBJECT in headers else None,
        )
    except (KeyError, ValueError) as problem:  # UnicodeDecodeError is a ValueError
        raise Undecodable(
            f"dead letter at offset {record.offset}",
            expected="the headers that Seedcast writes",
            got=f"{type(problem).__name__}: {problem}",
        ) from problem


def original(letter: DeadLetter, store: ObjectStore) -> tuple[bytes | None, bytes, Headers]:
    """Return key, value and headers of the failed record, to put it back on its topic.

    Raises MissingObject if the store has lost or changed an object, StoreUnavailable.
    """
    key = _fetch(letter.key_object, store) if letter.key_object else letter.key
    value = _fetch(letter.value_object, store) if letter.value_object else letter.value
    ours = [
        (FIRST_FAILURE, letter.first_failure.isoformat()),
        (DELIVERY_COUNT, str(letter.delivery_count)),
    ]
    return key, value, [*letter.headers, *((name, content.encode()) for name, content in ours)]


def newest(letters: Iterable[DeadLetter]) -> set[int]:
    """Return the position of each record's last dead letter.

    A record that was put back and failed again has one dead letter for each failure.
    """
    return set({_identity(letter): letter.position for letter in letters}.values())


def _identity(letter: DeadLetter) -> bytes:
    """Return a digest of what all dead letters of one record have in common."""
    facts = (letter.topic, letter.first_failure, letter.key, letter.key_object, letter.value_object)
    return hashlib.blake2b(repr(facts).encode() + letter.value, digest_size=16).digest()


def _reasons(
    record: Record, error: SeedcastError, stage: str, now: datetime
) -> Iterator[tuple[str, str]]:
    yield TOPIC, record.partition.topic
    yield PARTITION, str(record.partition.number)
    yield OFFSET, str(record.offset)
    yield STAGE, stage
    for name in (CLASS, EXCEPTION_CLASS):
        yield name, f"{type(error).__module__}.{type(error).__name__}"
    yield MESSAGE, str(error).encode()[:_MESSAGE_LIMIT].decode(errors="ignore")
    yield FIRST_FAILURE, _first_failure(record) or now.isoformat()
    yield DELIVERY_COUNT, str(_delivery_count(record) + 1)
    yield WORKER, version("seedcast")


def _first_failure(record: Record) -> str | None:
    try:
        return datetime.fromisoformat(dict(record.headers)[FIRST_FAILURE].decode()).isoformat()
    except (KeyError, ValueError):
        return None


def _delivery_count(record: Record) -> int:
    """Return how often the record was a dead letter before.

    Anybody may have written the header, so a value that is not a count is 0.
    """
    count = dict(record.headers).get(DELIVERY_COUNT, b"")
    return int(count) if count.isdigit() and len(count) < 10 else 0


def _headers_that_fit(record: Record, room: int) -> Iterator[tuple[str, bytes]]:
    """Yield the record's own headers, in order, until the next one exceeds `room` bytes."""
    for name, value in record.headers:
        if name in (FIRST_FAILURE, DELIVERY_COUNT):
            continue
        header = (ORIGINAL + name, value)
        room -= _size([header])
        if room < 0:
            return
        yield header


def _original_headers(record: Record) -> Iterator[tuple[str, bytes]]:
    for name, value in record.headers:
        if name.startswith(ORIGINAL):
            yield name.removeprefix(ORIGINAL), value


def _room(headers: Headers) -> int:
    """Return the bytes that the topic's limit leaves beside these headers."""
    return DEAD_LETTERS.max_bytes - _ENVELOPE - _size(headers)


def _size(headers: Headers) -> int:
    return sum(len(name.encode()) + len(value) + _PER_HEADER for name, value in headers)


def _store_object(data: bytes, store: ObjectStore) -> bytes:
    """Store the bytes under their own hash and return the URI."""
    key = f"{PREFIX}/{hashlib.sha256(data).hexdigest()}"
    return store.put(key, data, "application/octet-stream").encode()


def _fetch(uri: str, store: ObjectStore) -> bytes:
    data = store.get(uri)
    digest = hashlib.sha256(data).hexdigest()
    if not uri.endswith(digest):
        raise MissingObject(
            f"object {uri} of a dead letter",
            expected="bytes with the SHA-256 that its name ends in",
            got=f"bytes with SHA-256 {digest}",
        )
    return data
