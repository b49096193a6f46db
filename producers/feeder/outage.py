"""Outages: what may heal is logged and counted in one way, and the store's is met once.

A store that does not answer costs a list seconds; a hundred lists, one after another, would hold up
the feeder until its watchdog ends it. So what one list has learnt spares the others the wait.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from seedcast import metrics
from seedcast.errors import CredentialsRefused, Retryable, StoreUnavailable

log = structlog.get_logger(__name__)

# An outage, refused credentials, a missing right.
MAY_HEAL = (Retryable, CredentialsRefused)
PAUSE = 4.0  # seconds; less than a list waits until it is tried again


@contextmanager
def tolerated(boundary: str) -> Iterator[None]:
    """End the block, and nothing else, where something fails that may heal.

    Whoever calls does the same again later.
    """
    try:
        yield
    except MAY_HEAL as error:
        report(boundary, error)


def report(boundary: str, error: Exception, **about: str) -> None:
    """Log and count something that failed, and will be tried again."""
    log.warning("unavailable", boundary=boundary, problem=str(error), **about)
    metrics.RETRIES.labels(boundary).inc()


class Outage:
    """Of the object store."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._until = clock, 0.0
        self._error: StoreUnavailable | None = None

    def begin(self, error: StoreUnavailable) -> None:
        self._error, self._until = error, self._clock() + PAUSE

    def check(self) -> None:
        """Raises StoreUnavailable if somebody has just waited in vain."""
        if (error := self._error) and self._clock() < self._until:
            raise StoreUnavailable(
                error.what, expected=error.expected, got=error.got, remedy=error.remedy
            )
