"""GET /v1/requests/{id}, its audio, voices and models: what is there already."""

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from seedcast.producers.gateway import answers
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.problems import Problem, not_found
from seedcast.producers.gateway.ranges import ranged
from seedcast.producers.gateway.requests import Requests
from seedcast.producers.gateway.speech import media_type, receipt
from seedcast.producers.gateway.wire import (
    MODELS,
    ModelList,
    ModelView,
    RequestView,
    VoiceList,
    VoiceView,
)
from seedcast.schemas.messages import Rendition, SpeechResult
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.index.indexed import IndexedRequest
from seedcast.storage.index.reader import Index
from seedcast.storage.objects import ObjectStore


class Lookups:
    def __init__(self, index: OpenIndex, store: ObjectStore, requests: Requests) -> None:
        self._index, self._store, self._requests = index, store, requests

    async def request(self, http: Request, key: ApiKey) -> Response:
        found = await self._found(http.path_params["request_id"], key)
        return answers.json(request_view(found))

    async def audio(self, http: Request, key: ApiKey) -> Response:
        """Redirect to a link, or answer with the bytes where the query says `direct`."""
        found = await self._found(http.path_params["request_id"], key)
        result = found.result
        if result is None:
            raise Problem(409, "pending", "it is not spoken yet", headers={"retry-after": "1"})
        rendition = _chosen(result, http.query_params.get("profile"))
        if "direct" not in http.query_params:
            link = await asyncio.to_thread(self._store.presign, rendition.uri)
            return RedirectResponse(link, 307, headers={"cache-control": "no-store"})
        audio = await asyncio.to_thread(self._store.get, rendition.uri)
        return ranged(http, audio, receipt(result, rendition), media_type(rendition.format))

    async def voices(self, _http: Request, _key: ApiKey) -> Response:
        known = self._requests.voices.values()
        views = [
            VoiceView(id=v.name, name=v.name, language=v.language, description=v.description)
            for v in known
        ]
        return answers.json(VoiceList(voices=tuple(views)))

    async def models(self, _http: Request, _key: ApiKey) -> Response:
        data = tuple(ModelView(id=name) for name in MODELS)
        return answers.json(ModelList(data=data))

    async def model(self, http: Request, _key: ApiKey) -> Response:
        if (name := http.path_params["model"]) not in MODELS:
            raise Problem(404, "model_not_found", f"expected {', '.join(MODELS)}")
        return answers.json(ModelView(id=name))

    async def _found(self, request_id: str, key: ApiKey) -> IndexedRequest:
        """Return a request of the key's tenant. Raises Problem: 404, 503."""

        def look(index: Index) -> IndexedRequest | None:
            found = index.request(request_id)
            campaign = index.campaign(found.campaign_id) if found else None
            return found if campaign and campaign.tenant == key.tenant else None

        if (found := await self._index.ask(look)) is None:
            raise not_found("the request")
        return found


def request_view(found: IndexedRequest) -> RequestView:
    """Return what a client sees of a request."""
    result = found.result
    return RequestView(
        request_id=found.request_id,
        campaign_id=found.campaign_id,
        status=found.status or "pending",
        row=found.row,
        id=found.own_id,
        error=result.error if result else None,
        renditions=result.renditions if result else (),
        ended_at=found.ended_at,
    )


def _chosen(result: SpeechResult, profile: str | None) -> Rendition:
    if result.status != "succeeded":
        raise Problem(409, result.status, f"it ended as {result.status}: it has no audio")
    for rendition in result.renditions:
        if profile in (None, rendition.profile):
            return rendition
    there = ", ".join(rendition.profile for rendition in result.renditions)
    raise Problem(404, "unknown_profile", f"profile: expected one of {there}", param="profile")
