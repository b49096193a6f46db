"""What is read: a record, and its place."""

from dataclasses import dataclass

import structlog
from confluent_kafka import Message

log = structlog.get_logger(__name__)


@dataclass(frozen=True, order=True)
class Partition:
    topic: str
    number: int


@dataclass(frozen=True)
class Record:
    partition: Partition
    offset: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int


def as_record(message: Message) -> Record:
    place = Partition(message.topic(), message.partition())
    return Record(
        place,
        message.offset(),
        message.key(),
        message.value() or b"",
        _headers(message),
        message.timestamp()[1],
    )


def _headers(message: Message) -> tuple[tuple[str, bytes], ...]:
    """None where a name is no UTF-8: the record counts, and asking for them twice would crash the process (measured)."""
    try:
        return tuple((name, value or b"") for name, value in message.headers() or ())
    except (SystemError, UnicodeDecodeError):
        log.warning(
            "headers_unreadable",
            topic=message.topic(),
            partition=message.partition(),
            offset=message.offset(),
        )
        return ()
