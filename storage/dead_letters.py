"""Dead letters: what a stage could not read, as it came, with headers that say why and from where.

Header names are Kafka Connect's (KIP-298), so that its tools can read ours. The topic takes a record
somewhat larger than any request; what is larger still (audio) goes to the store, and the record refers to it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from schemas.topics import DEAD_LETTERS
from seedcast.errors import MissingObject, SeedcastError, Undecodable
from seedcast.kafka import Headers, Record
from storage.objects import ObjectStore

PREFIX = "_dead-letters"  # no campaign id can take it
CONNECT = "__connect.errors."
TOPIC, PARTITION, OFFSET = f"{CONNECT}topic", f"{CONNECT}partition", f"{CONNECT}offset"
STAGE, CLASS, MESSAGE = f"{CONNECT}stage", f"{CONNECT}class.name", f"{CONNECT}exception.message"
EXCEPTION_CLASS = (
    f"{CONNECT}exception.class.name"  # the same again: Connect's own tools look for it here
)
FIRST_FAILURE = (
    "seedcast.first-failure"  # ISO 8601; kept when a letter that was put back fails again
)
DELIVERY_COUNT = "seedcast.delivery-count"  # how often the record became a dead letter: 1, and one more each time it was put back and failed again
WORKER = "seedcast.version"
OBJECT, KEY_OBJECT = (
    "seedcast.object",
    "seedcast.object.key",
)  # where the value, or the key, lies if not in the record
ORIGINAL = "seedcast.original."  # before the names of the record's own headers: none can pass for one of ours

_ENVELOPE = 256  # bytes; Kafka's batch (61) and record (up to 40) with room to spare
_PER_HEADER = 10  # bytes; the lengths of name and value, as varints
_MESSAGE_LIMIT = 2048  # bytes of UTF-8


@dataclass(frozen=True)
class DeadLetter:
    """One record of the dead-letters topic, read."""

    position: int  # its own offset there
    topic: str  # where the record came from, as the three below
    partition: int
    offset: int
    stage: str
    error: str  # class
    message: str
    first_failure: datetime
    worker_version: str
    delivery_count: int  # from 1
    key: bytes | None
    value: bytes  # empty where `value_object` is given
    headers: tuple[tuple[str, bytes], ...]  # the record's own, as far as they fitted
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
    """Key, value and headers for the dead-letters topic; they fit it, whatever the record's size. Raises StoreUnavailable."""
    headers = [
        (name, value.encode())
        for name, value in _reasons(record, error, stage, now or datetime.now(UTC))
    ]
    key, value, room = record.key, record.value, DEAD_LETTERS.max_bytes - _ENVELOPE - _size(headers)
    if key is not None and len(key) > room // 2:
        headers.append((KEY_OBJECT, _keep(key, store)))
        key = None
    if len(value) + len(key or b"") + 1024 > room:
        headers.append((OBJECT, _keep(value, store)))
        value = b""
    return (
        key,
        value,
        [
            *headers,
            *_fitting(
                record,
                DEAD_LETTERS.max_bytes - _ENVELOPE - _size(headers) - len(key or b"") - len(value),
            ),
        ],
    )


def parse(record: Record) -> DeadLetter:
    """Raises Undecodable where the record on the topic is not a dead letter."""
    found = dict(record.headers)
    try:
        return DeadLetter(
            position=record.offset,
            topic=found[TOPIC].decode(),
            partition=int(found[PARTITION]),
            offset=int(found[OFFSET]),
            stage=found[STAGE].decode(),
            error=found[CLASS].decode(),
            message=found[MESSAGE].decode(),
            first_failure=datetime.fromisoformat(found[FIRST_FAILURE].decode()),
            worker_version=found[WORKER].decode(),
            delivery_count=int(found.get(DELIVERY_COUNT, b"1")),
            key=record.key,
            value=record.value,
            headers=tuple(
                (name.removeprefix(ORIGINAL), value)
                for name, value in record.headers
                if name.startswith(ORIGINAL)
            ),
            value_object=found[OBJECT].decode() if OBJECT in found else None,
            key_object=found[KEY_OBJECT].decode() if KEY_OBJECT in found else None,
        )
    except (KeyError, ValueError) as problem:  # UnicodeDecodeError is a ValueError
        raise Undecodable(
            f"dead letter at offset {record.offset}",
            expected="the headers that Seedcast writes",
            got=f"{type(problem).__name__}: {problem}",
        ) from problem


def original(letter: DeadLetter, store: ObjectStore) -> tuple[bytes | None, bytes, Headers]:
    """Key, value and headers to put back. Raises MissingObject where the store lost or changed it, StoreUnavailable."""
    key = _fetch(letter.key_object, store) if letter.key_object else letter.key
    value = _fetch(letter.value_object, store) if letter.value_object else letter.value
    ours = [
        (FIRST_FAILURE, letter.first_failure.isoformat()),
        (DELIVERY_COUNT, str(letter.delivery_count)),
    ]
    return key, value, [*letter.headers, *((name, content.encode()) for name, content in ours)]


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
    """How often it was a dead letter before; anybody may have written the header, so what is no count is none."""
    count = dict(record.headers).get(DELIVERY_COUNT, b"")
    return int(count) if count.isdigit() and len(count) < 10 else 0


def _fitting(record: Record, room: int) -> Iterator[tuple[str, bytes]]:
    """The record's own headers, in order, as long as there is room."""
    for name, value in record.headers:
        if name in (FIRST_FAILURE, DELIVERY_COUNT):
            continue
        header = (ORIGINAL + name, value)
        room -= _size([header])
        if room < 0:
            return
        yield header


def _size(headers: Headers) -> int:
    return sum(len(name.encode()) + len(value) + _PER_HEADER for name, value in headers)


def _keep(data: bytes, store: ObjectStore) -> bytes:
    return store.put(
        f"{PREFIX}/{hashlib.sha256(data).hexdigest()}", data, "application/octet-stream"
    ).encode()


def _fetch(uri: str, store: ObjectStore) -> bytes:
    data = store.get(uri)
    if not uri.endswith(hashlib.sha256(data).hexdigest()):
        raise MissingObject(
            f"object {uri} of a dead letter", expected="the bytes that its name says", got="others"
        )
    return data
