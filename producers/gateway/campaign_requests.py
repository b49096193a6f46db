"""GET /v1/campaigns/{id}/requests and /errors: pages of a campaign's requests."""

from collections.abc import Collection
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from seedcast.errors import InvalidInput
from seedcast.producers.gateway import answers, queries
from seedcast.producers.gateway.lookups import request_view
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.own_campaign import own_campaign, require_requests
from seedcast.producers.gateway.problems import wrong
from seedcast.producers.gateway.wire import RequestView
from seedcast.schemas.messages import STATUSES, Status
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.index.indexed import Page
from seedcast.storage.index.reader import Index
from seedcast.storage.index.requests_query import parse_place

PENDING = "pending"  # the status of a request without a result, as RequestView has it
WITHOUT_AUDIO: tuple[Status, ...] = ("failed", "expired", "cancelled")


class RequestList(Struct, frozen=True, kw_only=True):
    """A page in the list's order; events, and results of no row, come last."""

    data: tuple[RequestView, ...]
    has_more: bool
    after: Annotated[str | None, Meta(description="what `after` of the next page is")] = None


class CampaignRequests:
    def __init__(self, index: OpenIndex) -> None:
        self._index = index

    async def list(self, http: Request, key: ApiKey) -> Response:
        asked = queries.chosen(http, "status", (*STATUSES, PENDING))
        statuses: list[Status | None] = [status for status in STATUSES if status in asked]
        return await self._page(http, key, [*statuses, None] if PENDING in asked else statuses)

    async def errors(self, http: Request, key: ApiKey) -> Response:
        return await self._page(http, key, WITHOUT_AUDIO)

    async def _page(
        self, http: Request, key: ApiKey, statuses: Collection[Status | None]
    ) -> Response:
        name, after, limit = http.path_params["campaign_id"], _after(http), queries.limit(http)

        def read(index: Index) -> bytes:
            """Encode here, too: a page of a thousand manifests would hold up the event loop."""
            require_requests(own_campaign(index, name, key))
            page = index.requests(name, after=after, limit=limit, statuses=statuses or None)
            return msgspec.json.encode(_listed(page))

        return Response(await self._index.ask(read), media_type=answers.MEDIA_TYPE)


def _listed(page: Page) -> RequestList:
    data = tuple(map(request_view, page.requests))
    return RequestList(data=data, has_more=page.after is not None, after=page.after)


def _after(http: Request) -> str | None:
    """Raises Problem 400 for what no page ends with."""
    after = http.query_params.get("after")
    try:
        return None if after is None else str(parse_place(after))
    except InvalidInput as error:
        raise wrong("after", error.expected) from None
