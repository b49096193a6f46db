"""The first view: every campaign of the tenant, late ones first, and the fleet."""

from collections.abc import Callable
from datetime import UTC, datetime

from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from seedcast.producers.gateway.feed import Feed
from seedcast.producers.gateway.fleet_watch import FleetWatch
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.shared import Shared, pause
from seedcast.producers.gateway.page.standing import standings
from seedcast.producers.gateway.page.view import View, Visit

SHOWN = 100  # campaigns
EVERY = 5.0  # seconds until it is asked for again, at least


class Night:
    def __init__(
        self,
        pages: Pages,
        index: OpenIndex,
        fleet: FleetWatch,
        feed: Feed,
        rate_of: Callable[[str], float | None],
    ) -> None:
        self._pages, self._index, self._fleet, self._feed = pages, index, fleet, feed
        self._rate_of = rate_of
        self._shared = Shared[Markup]()

    def views(self) -> tuple[View, ...]:
        return (View(method="GET", path="/", scope="read", handler=self.show),)

    async def show(self, visit: Visit) -> Response:
        """With `live` in the query, return only what of the view changes by itself."""
        live = await self._live(visit)
        if "live" in visit.http.query_params:
            return HTMLResponse(live, headers={"cache-control": "no-store"})
        return self._pages.render(visit.http, "night.html", visit, live=live)

    async def _live(self, visit: Visit) -> Markup:
        name = visit.key.tenant, visit.language, visit.may("submit")
        return await self._shared.get(name, lambda: self._made(visit))

    async def _made(self, visit: Visit) -> Markup:
        now = datetime.now(UTC)
        known = await self._index.ask(lambda index: index.campaigns())
        # The shares are those of all tenants, of whom the others are not shown.
        every = standings(known, now, self._rate_of)
        rows = [row for row in every if row.record.tenant == visit.key.tenant]
        return self._pages.part(
            visit,
            "night_live.html",
            rows=rows[:SHOWN],
            more=len(rows) - SHOWN,
            running=[row for row in rows if not row.has_ended],
            late=sum(row.is_late for row in rows),
            rate=sum(row.rate or 0.0 for row in rows),
            workers=self._fleet.workers,
            oldest=self._fleet.oldest,
            every=pause(EVERY, self._feed.listeners),
        )
