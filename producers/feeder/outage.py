"""What one list has learnt of the object store spares the others the wait for it.

A store that does not answer costs a list seconds; a hundred lists, one after another, would hold up
the feeder until its watchdog ends it.
"""

import time
from collections.abc import Callable

from seedcast.errors import StoreUnavailable

PAUSE = 4.0  # seconds; less than a list waits until it is tried again


class Outage:
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
