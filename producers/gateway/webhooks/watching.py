"""Looks at campaigns that change, and writes what has happened to them into the outbox.

Every gateway looks. Of those that find the same event the first writes it, and the others do not.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from seedcast.errors import SeedcastError
from seedcast.failpoints import failpoint
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.webhooks.campaign_events import deadline_of, events_of
from seedcast.storage.accounts.outbox import Event, Outbox, Position
from seedcast.storage.index.changes import Change
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.reader import Index

log = structlog.get_logger(__name__)

INTERVAL = 1.0  # seconds between two looks
LONGEST = 30.0  # seconds between two looks while the index or the outbox is away
PAGE = 500  # changes of one question
REMEMBERED = 100_000  # events that are known to be in the outbox; without it they are found there


class Watch:
    """For one event loop.

    `kept`: how long an event is remembered. Of a campaign that is older none is written: it would
    be told twice, where an index is made anew. `on_event` is called when something is to be
    delivered, `on_change` with each campaign that has changed.
    """

    def __init__(
        self,
        index: OpenIndex,
        outbox: Outbox,
        kept: timedelta,
        on_event: Callable[[], object],
        on_change: Callable[[IndexedCampaign], object],
    ) -> None:
        self._index, self._outbox, self._on_event = index, outbox, on_event
        self._kept, self._on_change = kept, on_change
        self._position: Position | None = None  # this gateway's own, once it has begun
        self._deadlines = dict[str, datetime]()  # of campaigns that may still miss theirs
        self._known = set[tuple[str, str]]()  # subject and type

    async def run(self) -> None:
        """Look again and again. Never returns."""
        pause = INTERVAL
        while True:
            try:
                await self.look()
                pause = INTERVAL
            except (Problem, SeedcastError) as error:
                log.warning("webhooks_wait", problem=str(error), next="looked at again")
                pause = min(2 * pause, LONGEST)
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """Write all events since the last look. Raises Problem 503, AccountsUnavailable."""
        position = self._position or await self._begin()
        is_last = False
        while not is_last:
            page = await self._index.ask(partial(_page, position.seen))
            is_last = len(page) < PAGE
            for change in page:
                self._on_change(change.campaign)
            if page:
                await self._take(page, position.begun)
                position = position._replace(seen=page[-1].number)
            self._position = position
        await self._look_at_deadlines()

    async def _begin(self) -> Position:
        """Go on where gateways were; the first one tells of nothing that was before it."""
        position = await asyncio.to_thread(self._outbox.position)
        if position is None:
            newest = await self._index.ask(lambda index: index.newest_change())
            position = await asyncio.to_thread(self._outbox.begin, newest)
        after, is_last = 0, False
        while not is_last:
            page = await self._index.ask(partial(_page, after, live=True))
            is_last = len(page) < PAGE
            for change in page:
                after = change.number
                self._note_deadline(change.campaign)
        return position

    async def _take(self, page: list[Change], begun: int) -> None:
        """Write the events of a page; silently those from before webhooks began."""
        old = [change for change in page if change.number <= begun]
        for part, silent in ((old, True), (page[len(old) :], False)):
            if part:
                campaigns = [change.campaign for change in part]
                await self._record(campaigns, part[-1].number, silent=silent)
        for change in page:
            self._note_deadline(change.campaign)

    async def _look_at_deadlines(self) -> None:
        now = datetime.now(UTC)
        for name in [name for name, deadline in self._deadlines.items() if deadline <= now]:
            found = await self._index.ask(partial(_campaign, name))
            if found is not None:
                await self._record([found], None, silent=False)
            del self._deadlines[name]

    def _note_deadline(self, found: IndexedCampaign) -> None:
        deadline = deadline_of(found)
        if deadline is None or self._knows(f"campaign {found.campaign_id}", "campaign.late"):
            self._deadlines.pop(found.campaign_id, None)
        else:
            self._deadlines[found.campaign_id] = deadline

    async def _record(
        self, campaigns: Iterable[IndexedCampaign], seen: int | None, *, silent: bool
    ) -> None:
        now = datetime.now(UTC)
        events = [
            event
            for found in campaigns
            if found.campaign is not None and now - found.campaign.created_at < self._kept
            for event in events_of(found, now)
            if not self._knows(event.subject, event.type)
        ]
        if not events:
            return
        write = partial(self._outbox.record, events, seen, now, silent=silent)
        new = await asyncio.to_thread(write)
        failpoint("webhooks.written")
        self._remember(events)
        if new:
            log.info("webhook_events", count=new)
            self._on_event()

    def _knows(self, subject: str, event_type: str) -> bool:
        return (subject, event_type) in self._known

    def _remember(self, events: list[Event]) -> None:
        if len(self._known) > REMEMBERED:
            self._known.clear()
        self._known.update((event.subject, event.type) for event in events)


def _page(after: int, index: Index, *, live: bool = False) -> list[Change]:
    return index.changes(after, limit=PAGE, live=live)


def _campaign(name: str, index: Index) -> IndexedCampaign | None:
    return index.campaign(name)
