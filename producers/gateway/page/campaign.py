"""One campaign: its account, its way, its rate, its errors and its latest results."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import get_args

from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from seedcast.errors import InvalidInput
from seedcast.producers.gateway.feed import Feed
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.own_campaign import own_campaign, require_requests
from seedcast.producers.gateway.page.figures import rates
from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.shared import Shared, pause
from seedcast.producers.gateway.page.standing import Standing, standings
from seedcast.producers.gateway.page.view import View, Visit
from seedcast.producers.gateway.problems import not_found, wrong
from seedcast.schemas.messages import ErrorCode
from seedcast.storage.index.indexed import IndexedRequest, Page
from seedcast.storage.index.reader import Index
from seedcast.storage.index.requests_query import parse_place
from seedcast.storage.index.sampling import Sample

ONE = "/campaigns/{campaign_id}"
LATEST = 8  # results
EVERY = 10.0  # seconds until it is asked for again, at least
ROWS = 100  # of a page of errors
NOTHING = Sample(ended=(), each=1.0)


class CampaignPage:
    def __init__(
        self,
        pages: Pages,
        index: OpenIndex,
        feed: Feed,
        rate_of: Callable[[str], float | None],
    ) -> None:
        self._pages, self._index, self._feed = pages, index, feed
        self._rate_of = rate_of
        self._shared = Shared[tuple[Standing, Markup]]()

    def views(self) -> tuple[View, ...]:
        return (
            View(method="GET", path=ONE, scope="read", handler=self.show),
            View(method="GET", path=f"{ONE}/live", scope="read", handler=self.live),
            View(method="GET", path=f"{ONE}/errors/{{code}}", scope="read", handler=self.errors),
        )

    async def show(self, visit: Visit) -> Response:
        row, live = await self._live(visit)
        said = _said(self._pages, visit)
        return self._pages.render(visit.http, "campaign.html", visit, row=row, live=live, said=said)

    async def live(self, visit: Visit) -> Response:
        """Return what of the view changes by itself."""
        _, live = await self._live(visit)
        return HTMLResponse(live, headers={"cache-control": "no-store"})

    async def errors(self, visit: Visit) -> Response:
        """Return a page of the rows that ended with one code."""
        if (code := visit.http.path_params["code"]) not in get_args(ErrorCode):
            raise not_found("the error code")
        name, after = _name(visit), visit.http.query_params.get("after")
        try:
            place = None if after is None else str(parse_place(after))
        except InvalidInput as error:
            raise wrong("after", error.expected) from None

        def read(index: Index) -> Page:
            require_requests(own_campaign(index, name, visit.key))
            return index.requests(name, after=place, limit=ROWS, error=code)

        page = await self._index.ask(read)
        return self._pages.render(
            visit.http, "errors.html", visit, name=name, code=code, page=page, after=after
        )

    async def row(self, visit: Visit) -> Standing:
        return await self._index.ask(lambda index: self._own(index, visit))

    async def _live(self, visit: Visit) -> tuple[Standing, Markup]:
        name = _name(visit), visit.key.tenant, visit.language, visit.may("listen")
        return await self._shared.get(name, lambda: self._made(visit))

    async def _made(self, visit: Visit) -> tuple[Standing, Markup]:
        def read(index: Index) -> tuple[Standing, Sample, list[IndexedRequest]]:
            row = self._own(index, visit)
            found = row.found
            if found.pruned_at is not None or not found.progress.finished:
                return row, NOTHING, []
            listed = found.progress.accepted if row.record.staged is not None else None
            sampled = index.sample(found.campaign_id, listed, found.progress.finished)
            near = sampled.latest_rows or ([1] if listed else [])
            newest = index.latest(found.campaign_id, near, LATEST)
            return row, sampled, newest

        row, sampled, newest = await self._index.ask(read)
        live = self._pages.part(
            visit,
            "campaign_live.html",
            row=row,
            rates=rates(sampled),
            latest=[(each, each.result) for each in newest],
            listens=visit.may("listen"),
            every=pause(EVERY, self._feed.listeners),
        )
        return row, live

    def _own(self, index: Index, visit: Visit) -> Standing:
        """Raises Problem 404."""
        own_campaign(index, _name(visit), visit.key)
        # Its share is one of all.
        every = standings(index.campaigns(), datetime.now(UTC), self._rate_of)
        return next(row for row in every if row.found.campaign_id == _name(visit))


def _name(visit: Visit) -> str:
    return str(visit.http.path_params["campaign_id"])


def _said(pages: Pages, visit: Visit) -> str | None:
    """Return the sentence about what was just done, if there is one."""
    name = f"said.{visit.http.query_params.get('said')}"
    return pages.speaking(visit.http)(name) if name in pages.messages else None
