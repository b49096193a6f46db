"""Repeating what is unavailable for a while; the policies are tenacity's.

What a worker waits for is logged and counted here, once per retry, under the name of its boundary
("broker" or "store"). An error that is not Retryable is raised at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import structlog
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_before_delay,
    wait_random_exponential,
)

from seedcast.errors import Retryable, Unreachable
from seedcast.health import Readiness
from seedcast.metrics import RETRIES
from seedcast.settings import Settings

log = structlog.get_logger(__name__)
T = TypeVar("T")

BACKOFF = wait_random_exponential(multiplier=0.25, max=5)  # seconds; jitter spreads a fleet
BRIEF_BACKOFF = wait_random_exponential(multiplier=0.05, max=1)  # seconds


def is_retryable(error: BaseException) -> bool:
    return isinstance(error, Retryable)


def retry(
    attempt: Callable[[], T],
    *,
    seconds: float,
    boundary: str | None = None,
    doing: str = "",
    backoff: wait_random_exponential = BACKOFF,
    retry_on: Callable[[BaseException], bool] = is_retryable,
) -> T:
    """Retry `attempt`, starting no retry after `seconds`; then raise its last error.

    `doing` says in the log what is repeated. Without a `boundary` the retries are silent: the
    caller reports how they ended.
    """
    retrying = Retrying(
        retry=retry_if_exception(retry_on),
        wait=backoff,
        stop=stop_before_delay(seconds),
        before_sleep=None if boundary is None else _log_retry(boundary, doing),
        reraise=True,
    )
    return retrying(attempt)


def reach_store(settings: Settings, attempt: Callable[[], T]) -> T:
    """Call the object store while a process starts: wait for it as long as for the brokers.

    Raises Unreachable after `kafka.start_timeout`. Any other error than a Retryable one is raised
    at once.
    """
    seconds = settings.kafka.start_timeout
    try:
        return retry(attempt, seconds=seconds, boundary="store")
    except Retryable as error:
        raise Unreachable(
            "the object store does not answer",
            expected=f"an answer of {settings.s3.endpoint} within {seconds:g} s",
            got=f"{error.what}: {error.got}" if error.got else error.what,
            remedy=error.remedy or "check SEEDCAST_S3_ENDPOINT and that the store runs",
        ) from error


class AsyncRetry:
    """Repeats coroutines for as long as an outage lasts, or until the work is handed back."""

    def __init__(
        self,
        hand_back: asyncio.Event,
        beat: Callable[[], None],
        readiness: Readiness | None = None,
    ) -> None:
        """While `hand_back` is set, a Retryable error is raised instead of waited out.

        `beat` is called before each wait: waiting for another system is no hang of this process.
        While a boundary is unavailable, `readiness` reports it as missing.
        """
        self._hand_back, self._beat = hand_back, beat
        self._readiness = readiness or Readiness()

    async def __call__(self, boundary: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Raises a Retryable error only if `hand_back` is set, and every other error at once."""

        async def awaited() -> T:  # tenacity would take an unawaited future for a success
            return await attempt()

        def on_retry() -> None:
            self._beat()
            self._readiness.lose(boundary)

        retrying = AsyncRetrying(
            retry=retry_if_exception(is_retryable),
            wait=BACKOFF,
            stop=lambda _: self._hand_back.is_set(),
            sleep=self._wait,
            before_sleep=_log_retry(boundary, on_retry=on_retry),
            reraise=True,
        )
        try:
            return await retrying(awaited)
        finally:
            self._readiness.meet(boundary)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hand_back.wait(), seconds)


def _log_retry(
    boundary: str, doing: str = "", on_retry: Callable[[], object] = lambda: None
) -> Callable[[RetryCallState], None]:
    """Return a `before_sleep` for tenacity that logs and counts each retry."""

    def before_sleep(state: RetryCallState) -> None:
        on_retry()
        RETRIES.labels(boundary).inc()
        error = state.outcome.exception() if state.outcome else None
        log.warning(
            "unavailable",
            boundary=boundary,
            problem=f"{doing}: {error}" if doing else str(error),
            attempt=state.attempt_number,
            next_try_in_seconds=round(state.upcoming_sleep, 2),
        )

    return before_sleep
