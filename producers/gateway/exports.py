"""GET /v1/campaigns/{id}/results.csv, .jsonl and .parquet: what `seedcast export` writes."""

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from seedcast.errors import InvalidInput
from seedcast.producers.gateway import queries
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.own_campaign import own_campaign, require_requests
from seedcast.producers.gateway.problems import Problem, unavailable, wrong
from seedcast.producers.gateway.streamed import Streamed
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.rows.values import deadline as instant_of
from seedcast.schemas.messages import Outputs
from seedcast.storage.accounts.keys import ApiKey, Scope
from seedcast.storage.export.columns import ASKED
from seedcast.storage.export.export import Format, export_stream
from seedcast.storage.export.lines import LineOptions
from seedcast.storage.export.links import signing
from seedcast.storage.export.source import source_of
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.reader import Index
from seedcast.storage.list_outputs import output_key
from seedcast.storage.objects import ObjectStore

log = structlog.get_logger(__name__)
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}
AT_ONCE, OF_A_KEY = 8, 2  # exports: each is a thread, for as long as its client reads


class Exports:
    def __init__(self, index: OpenIndex, store: ObjectStore, profiles: Collection[str]) -> None:
        """`profiles`: those of the deployment."""
        self._index, self._store, self._profiles = index, store, profiles
        self._running = Counter[str]()  # by key

    async def csv(self, http: Request, key: ApiKey) -> Response:
        return await self._export(http, key, "csv")

    async def jsonl(self, http: Request, key: ApiKey) -> Response:
        return await self._export(http, key, "jsonl")

    async def parquet(self, http: Request, key: ApiKey) -> Response:
        return await self._export(http, key, "parquet")

    async def _export(self, http: Request, key: ApiKey, format_: Format) -> Response:
        """Answer with the list, as it is written. Raises Problem."""
        options, statuses = await self._options(http, key), queries.chosen(http, "status", ASKED)
        if with_columns := queries.flag(http, "with_columns"):
            _require_scope(key, "submit", "with_columns")  # they are what was submitted, texts too
        name = http.path_params["campaign_id"]

        def find(index: Index) -> tuple[Index, IndexedCampaign]:
            return index, own_campaign(index, name, key)

        index, found = await self._index.ask(find)
        if format_ == "parquet" and not http.query_params and (link := await self._left(found)):
            return RedirectResponse(link, 307, headers={"cache-control": "no-store"})
        store = self._store if with_columns else None

        def write(file: BinaryIO) -> None:
            source = source_of(index, found, statuses, store)
            report = export_stream(source, file, format_, options)
            log.info("exported", campaign_id=name, lines=report.lines)

        require_requests(found)
        if with_columns and (found.campaign is None or found.campaign.staged is None):
            raise wrong("with_columns", "a campaign of a list; one of events has no columns")
        headers = {
            "content-disposition": f'attachment; filename="{name}.{format_}"',
            "cache-control": "no-store",
        }
        return Streamed(write, MEDIA[format_], headers, self._place(key))

    async def _options(self, http: Request, key: ApiKey) -> LineOptions:
        profiles = queries.chosen(http, "profile", self._profiles)
        if (text := http.query_params.get("urls")) is None:
            return LineOptions(profiles=profiles)
        _require_scope(key, "listen", "urls")
        valid = _duration(text)
        try:
            sign = await asyncio.to_thread(signing, self._store, valid)
        except InvalidInput as error:
            raise wrong("urls", error.expected) from None
        return LineOptions(profiles=profiles, sign=sign)

    async def _left(self, found: IndexedCampaign) -> str | None:
        """Return a link to what the indexer has written of a list whose requests were deleted."""
        record = found.campaign
        if found.pruned_at is None or record is None or not isinstance(record.outputs, Outputs):
            return None
        uri = self._store.uri(output_key(found.campaign_id, record.outputs.results.name))
        return await asyncio.to_thread(self._store.presign, uri)

    def _place(self, key: ApiKey) -> ExitStack:
        """Take one of the places; it is free when what is returned is left. Raises Problem."""
        if self._running[key.key_id] >= OF_A_KEY:
            message = f"more than {OF_A_KEY} lists at once"
            raise Problem(429, "too_many_at_once", message, headers={"retry-after": "5"})
        if self._running.total() >= AT_ONCE:
            raise unavailable(f"more than {AT_ONCE} lists are written at present", retry_after=5)
        self._running[key.key_id] += 1
        place = ExitStack()
        place.callback(self._leave, key.key_id)
        return place

    def _leave(self, key_id: str) -> None:
        self._running[key_id] -= 1
        self._running += Counter()  # forget those that have none


def _duration(text: str) -> timedelta:
    now = datetime.now(UTC)
    try:
        return instant_of(text, now) - now
    except InvalidValue:
        raise wrong("urls", "how long links are valid, such as 7d") from None


def _require_scope(key: ApiKey, scope: Scope, param: str) -> None:
    if scope not in key.scopes:
        message = f"{param}: this needs a key with scope {scope}"
        raise Problem(403, "missing_scope", message, param=param)
