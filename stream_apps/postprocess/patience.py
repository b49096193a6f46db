"""Repeating what a fault of the world stopped, for as long as it lasts, unless the work has to be handed back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from tenacity import AsyncRetrying, Retrying, retry_if_exception_type, wait_random_exponential

from seedcast.errors import Retryable
from seedcast.health import Readiness
from seedcast.patience import announce

T = TypeVar("T")

WAIT = wait_random_exponential(
    multiplier=0.25, max=10
)  # seconds; jitter, so that a fleet does not return as one


class Patience:
    def __init__(
        self, ends: asyncio.Event, beat: Callable[[], None], readiness: Readiness | None = None
    ) -> None:
        """While `ends` is set, a failure is raised instead of waited out. What is waited for is missing from `readiness`."""
        self._ends, self._beat, self._readiness = ends, beat, readiness or Readiness()

    async def keep_trying(self, boundary: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Raises what is not Retryable at once, and what is when there is no time left to wait for it."""

        async def awaited() -> (
            T
        ):  # tenacity awaits coroutine functions only; a future returned by another would pass for a success
            return await attempt()

        def waits() -> None:
            self._beat()
            self._readiness.lose(boundary)

        try:
            return await AsyncRetrying(
                retry=retry_if_exception_type(Retryable),
                wait=WAIT,
                stop=lambda _: self._ends.is_set(),
                sleep=self._pause,
                before_sleep=announce(boundary, waits),
                reraise=True,
            )(awaited)
        finally:
            self._readiness.meet(boundary)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ends.wait(), seconds)


def keep_trying(boundary: str, attempt: Callable[[], T], beat: Callable[[], None]) -> T:
    """The same without a loop, for the start."""
    return Retrying(
        retry=retry_if_exception_type(Retryable),
        wait=WAIT,
        before_sleep=announce(boundary, beat),
        reraise=True,
    )(attempt)
