"""What many visitors see at once is made once, and shown for a moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

MOMENT = 2.0  # seconds
VIEWS = 50  # a second, of all who look: each takes a millisecond of the event loop, and more
KEPT = 500  # entries; all are dropped beyond, since none is worth more than a moment

T = TypeVar("T")


def pause(least: float, viewers: int) -> int:
    """Return after how many seconds a view is asked for again. Events come meanwhile."""
    return round(max(least, viewers / VIEWS))


class Shared(Generic[T]):
    """For one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made = dict[Hashable, tuple[float, asyncio.Task[T]]]()

    async def get(self, name: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return what `make` returned lately for this name. Raises what it raises, to all."""
        until, made = self._made.get(name, (0.0, None))
        if made is None or self._clock() >= until:
            if len(self._made) >= KEPT:
                self._made.clear()
            made = asyncio.ensure_future(_awaited(make))
            self._made[name] = self._clock() + MOMENT, made
        return await asyncio.shield(made)


async def _awaited(make: Callable[[], Awaitable[T]]) -> T:
    return await make()
