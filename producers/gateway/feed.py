"""What happens to campaigns, for any number of listeners by one question a second.

The index numbers the changes of campaigns: who has seen a number is told of what is above it, by
whatever replica. A change is a campaign's present state, so a listener who is slow is told less
often, and misses nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog

from seedcast.metrics import GATEWAY_LISTENERS
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.problems import Problem, unavailable
from seedcast.producers.gateway.told import Told
from seedcast.storage.index.changes import Change
from seedcast.storage.index.reader import Index

log = structlog.get_logger(__name__)
INTERVAL = 1.0  # seconds between two questions while somebody listens
LONGEST = 30.0  # seconds between two questions while the index is away
PAGE = 500  # changes of one answer
WAITING = 1000  # campaigns that may wait for a listener, who is sent away beyond


class Listener:
    """What one client is still to be told: of each campaign the latest change."""

    def __init__(self, tenant: str, campaign_id: str | None) -> None:
        self.tenant = tenant
        self.is_over = False
        self._campaign_id = campaign_id
        self._waiting = dict[str, Told]()  # by campaign, in the order of their numbers
        self._woken = asyncio.Event()

    def tell(self, told: Told) -> None:
        name = told.campaign_id
        if self._campaign_id not in (None, name):
            return
        self._waiting.pop(name, None)
        self._waiting[name] = told
        if len(self._waiting) > WAITING:
            log.info("listener_slow", tenant=self.tenant, next="it may come back by its last id")
            self.end()
        self._woken.set()

    def end(self) -> None:
        self.is_over = True
        self._waiting.clear()
        self._woken.set()

    async def changes(self, seconds: float) -> list[Told]:
        """Return what has come, once there is something; nothing at the end, or after a while."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return []
        if not self.is_over:
            self._woken.clear()
        found = list(self._waiting.values())
        self._waiting.clear()
        return found


class Feed:
    """For one event loop. `close` may be called from a signal handler, too."""

    def __init__(self, index: OpenIndex) -> None:
        self._index = index
        self._listeners = defaultdict[str, set[Listener]](set)  # by tenant
        self._beginning = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None  # while somebody listens
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_over = False

    @asynccontextmanager
    async def listening(self, tenant: str, campaign_id: str | None) -> AsyncIterator[Listener]:
        """Tell of every change from now on. Raises Problem 503 where the index is away."""
        listener = Listener(tenant, campaign_id)
        self._listeners[tenant].add(listener)
        GATEWAY_LISTENERS.inc()
        try:
            async with self._beginning:
                await self._begin()
            yield listener
        finally:
            GATEWAY_LISTENERS.dec()
            self._forget(listener)

    @property
    def listeners(self) -> int:
        return sum(map(len, self._listeners.values()))

    def close(self) -> None:
        """End every stream, and each that begins."""
        self._is_over = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        for some in self._listeners.values():
            for each in some:
                each.end()

    async def _begin(self) -> None:
        """Ask from now on, unless that is done already."""
        self._loop = asyncio.get_running_loop()
        if self._is_over:
            raise unavailable("the gateway stops")
        if self._following is None:
            seen = await self._index.ask(lambda index: index.newest_change())
            self._following = asyncio.create_task(self._follow(seen))

    def _forget(self, listener: Listener) -> None:
        self._listeners[listener.tenant].discard(listener)
        if not self._listeners[listener.tenant]:
            del self._listeners[listener.tenant]
        if not self._listeners and self._following is not None:
            self._following.cancel()
            self._following = None

    async def _follow(self, seen: int) -> None:
        try:
            await self._tell_all(seen)
        except Exception:
            log.exception("feed_ended", next="streams end; the next one begins it again")
            self._following = None
            self._end()

    async def _tell_all(self, seen: int) -> None:
        """Ask for changes above a number, and tell of them. Never returns."""
        pause = INTERVAL
        while True:
            await asyncio.sleep(pause)
            try:
                changes = await self._index.ask(partial(_page, seen))
            except Problem:  # it is in the log; what is missed now comes later
                pause = min(2 * max(pause, INTERVAL), LONGEST)
                continue
            pause = 0.0 if len(changes) == PAGE else INTERVAL
            for change in changes:
                seen = change.number
                told = Told(change)
                for listener in tuple(self._listeners.get(change.campaign.tenant or "", ())):
                    listener.tell(told)


def _page(after: int, index: Index) -> list[Change]:
    return index.changes(after, limit=PAGE)
