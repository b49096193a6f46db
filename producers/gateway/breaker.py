"""A circuit breaker: where urgent requests fail in a row, the next are refused at once."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from seedcast import metrics
from seedcast.errors import Retryable
from seedcast.producers.gateway.problems import Problem, unavailable

FAILURES = 5  # in a row that open it
OPEN = 10.0  # seconds before one request may try


class Breaker:
    """Closed: everybody passes. Open: nobody. Half-open: one, whose end decides. For one loop.

    The two libraries that were tried let several requests pass at once where it is half-open.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._is_trying = False

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Let one request pass. Raises Problem 503 if it may not."""
        is_trial = self._enter()
        failed: bool | None = None  # None: the request's end says nothing of the deployment
        try:
            yield
            failed = False
        except Retryable:
            failed = True
            raise
        except Problem as problem:
            # A client that asks for too much is refused before anything is tried.
            failed = None if problem.status == 429 else problem.status in (503, 504)
            raise
        finally:
            self._leave(is_trial, failed)

    def _enter(self) -> bool:
        if self._opened_at is None:
            return False
        wait = self._opened_at + OPEN - self._clock()
        if wait > 0 or self._is_trying:
            message = "urgent requests are not answered in time at present"
            raise unavailable(message, retry_after=max(1, round(wait)))
        self._is_trying = True
        return True

    def _leave(self, is_trial: bool, failed: bool | None) -> None:
        if is_trial:
            self._is_trying = False
        if failed is None:
            return
        if not failed:
            self._failures, self._opened_at = 0, None
        else:
            self._failures += 1
            if is_trial or (self._failures >= FAILURES and self._opened_at is None):
                self._opened_at = self._clock()
        metrics.GATEWAY_BREAKER.set(self._opened_at is not None)
