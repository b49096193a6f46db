"""Maps the errors of aiokafka, as Faust lets them through, to Seedcast's tree."""

import asyncio

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from faust.exceptions import FaustError

from seedcast.errors import BrokerUnavailable, Poison, SeedcastError

FOREIGN = (KafkaError, FaustError, asyncio.TimeoutError, OSError)

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


def translate(error: BaseException, doing: str) -> SeedcastError:
    """Return the error of Seedcast's tree that fits; `doing` says what was being done.

    An unknown error may pass (credentials refused in mid-run included), so it is Retryable.
    """
    cause = error.__cause__ if isinstance(error, FaustError) and error.__cause__ else error
    if isinstance(cause, _TOO_LARGE):
        got = type(cause).__name__
        return Poison(f"{doing}: the broker will never take this record", got=got)
    return BrokerUnavailable(doing, got=f"{type(cause).__name__}: {cause}")
