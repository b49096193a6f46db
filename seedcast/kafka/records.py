"""A record as it was read, and the partition that it was read from."""

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
    return Record(
        Partition(message.topic(), message.partition()),
        message.offset(),
        message.key(),
        message.value() or b"",
        _headers(message),
        message.timestamp()[1],
    )


def _headers(message: Message) -> tuple[tuple[str, bytes], ...]:
    """Empty if the name of a header is not UTF-8: the record still counts.

    Asking for such headers a second time crashes the process (measured).
    """
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
