"""GET /v1/events and /v1/campaigns/{id}/events: campaigns as they change, as server-sent events."""

import math
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from seedcast.errors import SeedcastError
from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.feed import PAGE, Feed, Listener
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.own_campaign import own_campaign
from seedcast.producers.gateway.problems import Problem, wrong
from seedcast.producers.gateway.told import Told
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.index.changes import Change
from seedcast.storage.index.reader import Index

log = structlog.get_logger(__name__)
MEDIA_TYPE = "text/event-stream"
PING = 15  # seconds between two comments, so that no proxy takes the stream for dead
RETRY = 2000  # milliseconds after which a client comes back
CHECKED = 60.0  # seconds between two looks at the key
GRACE = 5.0  # seconds that a stream has for its last bytes at the end of the gateway
_DIGITS = 19  # of the largest number that an index holds


@dataclass(frozen=True)
class Wanted:
    """What a client asks for. `after`: the last number that it has; None: it has nothing yet."""

    tenant: str
    campaign_id: str | None
    after: int | None

    def page(self, after: int, index: Index) -> list[Change]:
        is_first = self.after is None and self.campaign_id is None
        return index.changes(
            after, limit=PAGE, tenant=self.tenant, campaign_id=self.campaign_id, live=is_first
        )


class Events:
    def __init__(
        self, index: OpenIndex, feed: Feed, access: Access, settings: GatewaySettings
    ) -> None:
        self._index, self._feed, self._access = index, feed, access
        self._settings = settings
        self._open = Counter[str]()  # streams, by key

    async def tenant(self, http: Request, key: ApiKey) -> Response:
        """Begin with the campaigns that have not ended; then each that changes."""
        return await self._stream(http, key, Wanted(key.tenant, None, _last_id(http)))

    async def campaign(self, http: Request, key: ApiKey) -> Response:
        """Begin with the campaign as it is; then again whenever it changes."""
        name = http.path_params["campaign_id"]
        await self._index.ask(lambda index: own_campaign(index, name, key))
        return await self._stream(http, key, Wanted(key.tenant, name, _last_id(http)))

    @contextmanager
    def _place(self, key: ApiKey) -> Iterator[None]:
        """Hold one of the key's streams. Raises Problem 429 if it has as many as it may."""
        allowed = key.limits.concurrency or self._settings.concurrency
        most = math.ceil(allowed / self._settings.replicas)
        if self._open[key.key_id] >= most:
            message = f"more than {most} streams of events at once"
            raise Problem(429, "too_many_at_once", message, headers={"retry-after": "1"})
        self._open[key.key_id] += 1
        try:
            yield
        finally:
            self._open[key.key_id] -= 1
            self._open += Counter()  # without the keys that have none

    async def _stream(self, http: Request, key: ApiKey, wanted: Wanted) -> Response:
        async with AsyncExitStack() as opened:
            opened.enter_context(self._place(key))
            # Before anything is read: what changes meanwhile waits, and is left out if it was read.
            feed = self._feed.listening(wanted.tenant, wanted.campaign_id)
            listener = await opened.enter_async_context(feed)
            newest = await self._index.ask(lambda index: index.newest_change())
            # A number that this index has not reached is another's: that client is told all.
            begin = wanted.after or 0
            begin = begin if begin <= newest else 0
            first = await self._index.ask(partial(wanted.page, begin))
            told = self._told(http, wanted, listener, first, newest)
            return _Stream(told, opened.pop_all())

    async def _told(
        self,
        http: Request,
        wanted: Wanted,
        listener: Listener,
        page: list[Change],
        newest: int,
    ) -> AsyncIterator[bytes | ServerSentEvent]:
        """Yield what is there, then what comes, until the stream is over."""
        last = 0
        try:
            while True:
                for change in page:
                    last = change.number
                    yield Told(change).event
                if len(page) < PAGE:
                    break
                page = await self._index.ask(partial(wanted.page, last))
            # Whoever was told of nothing yet has a number to come back with, too.
            last = max(last, newest)
            yield ServerSentEvent(id=str(last), retry=RETRY)
            while not listener.is_over:
                changes = await listener.changes(CHECKED)
                await self._access.require(http, "read")  # before anything is told
                for told in changes:
                    if told.number > last:
                        last = told.number
                        yield told.event
        except (Problem, SeedcastError) as error:
            log.info("stream_ended", tenant=wanted.tenant, problem=str(error))


class _Stream(EventSourceResponse):
    def __init__(
        self, told: AsyncIterator[bytes | ServerSentEvent], opened: AsyncExitStack
    ) -> None:
        super().__init__(told, ping=PING, sep="\n", shutdown_grace_period=GRACE)
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._opened:
            await super().__call__(scope, receive, send)


def _last_id(http: Request) -> int | None:
    """Return the number that the client has. Raises Problem 400."""
    text = http.headers.get("last-event-id", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise wrong("last-event-id", "the id of an event")
    return int(text)
