"""Repeating, at the start, what an object store that is away did not answer."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from seedcast.errors import Retryable, Unreachable
from seedcast.patience import announce
from seedcast.settings import Settings

T = TypeVar("T")

WAIT = wait_random_exponential(
    multiplier=0.25, max=5
)  # seconds; jitter, so that a fleet does not return as one


def reach_store(settings: Settings, attempt: Callable[[], T]) -> T:
    """For as long as the brokers are waited for, `kafka.start_timeout`. Raises Unreachable after that, and what is not Retryable at once."""
    patience = settings.kafka.start_timeout
    try:
        return Retrying(
            retry=retry_if_exception_type(Retryable),
            wait=WAIT,
            stop=stop_after_delay(patience),
            before_sleep=announce("store"),
            reraise=True,
        )(attempt)
    except Retryable as error:
        raise Unreachable(
            "the object store does not answer",
            expected=f"an answer of {settings.s3.endpoint} within {patience:g} s",
            got=str(error),
            remedy="check SEEDCAST_S3_ENDPOINT and that the store runs",
        ) from error
