"""The errors of aiokafka, as Faust lets them through, to Seedcast's tree."""

import asyncio

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from faust.exceptions import FaustError

from seedcast.errors import BrokerUnavailable, Poison, SeedcastError

FOREIGN = (KafkaError, FaustError, asyncio.TimeoutError, OSError)

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


def translate(error: BaseException, doing: str) -> SeedcastError:
    """What is not known here may heal (credentials refused in mid-run included), so it is retryable."""
    cause = error.__cause__ if isinstance(error, FaustError) and error.__cause__ else error
    got = f"{type(cause).__name__}: {cause}"
    if isinstance(cause, _TOO_LARGE):
        return Poison(f"{doing}: the broker will never take this record", got=type(cause).__name__)
    return BrokerUnavailable(doing, got=got)
