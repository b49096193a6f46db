"""PATCH /v1/campaigns/{id}: on what terms a campaign is fed, as `seedcast campaigns set`."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from seedcast.campaigns.campaign_topic import change_campaign
from seedcast.errors import InvalidInput
from seedcast.producers import terms
from seedcast.producers.gateway import answers
from seedcast.producers.gateway.bodies import json_of
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.own_campaign import own_campaign
from seedcast.producers.gateway.problems import Problem, wrong
from seedcast.producers.terms import AT_ONCE, NONE, Terms
from seedcast.schemas.messages import Campaign
from seedcast.settings import Settings
from seedcast.storage.accounts.keys import ApiKey

MERGE_PATCH = "application/merge-patch+json"
_WITHOUT = {"weight": 1.0, "start_at": AT_ONCE}  # what null is; of the others it is none
_PARAMS = {"start": "start_at", "start and window": "start_at"}  # by what an error is about


class TermsPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A merge patch (RFC 7396): what is absent stays, and null takes a term away."""

    weight: float | UnsetType | None = UNSET
    rate: Annotated[
        str | float | UnsetType | None, Meta(description="such as 200/s, or requests per second")
    ] = UNSET
    deadline: Annotated[
        str | UnsetType | None, Meta(description="ISO 8601 with its zone, or 2h from now")
    ] = UNSET
    window: Annotated[
        str | UnsetType | None, Meta(description="such as 20:00-06:00; needs a zone")
    ] = UNSET
    zone: Annotated[str | UnsetType | None, Meta(description="such as Asia/Shanghai")] = UNSET
    start_at: Annotated[
        str | UnsetType | None, Meta(description="ISO 8601 with its zone, or 2h from now")
    ] = UNSET


class TermsView(Struct, frozen=True, kw_only=True):
    """The terms of a campaign as they are now."""

    campaign_id: str
    weight: float
    rate: float | None  # requests per second
    deadline: datetime | None
    window: str | None
    zone: str | None
    start_at: datetime | None


class CampaignTerms:
    def __init__(self, settings: Settings, index: OpenIndex) -> None:
        self._settings, self._index = settings, index

    async def change(self, http: Request, key: ApiKey) -> Response:
        patch = await json_of(http, TermsPatch, MERGE_PATCH)
        return answers.json(await self.patch(http.path_params["campaign_id"], patch, key))

    async def patch(self, name: str, patch: TermsPatch, key: ApiKey) -> TermsView:
        """Change the terms that are given. Raises Problem."""
        asked, now = _terms(patch), datetime.now(UTC)

        def change(campaign: Campaign) -> Campaign:
            return terms.changed(campaign, asked, now)

        try:
            terms.fields_of(asked, now)
            await self._index.ask(lambda index: own_campaign(index, name, key))
            _, after = await asyncio.to_thread(change_campaign, self._settings, name, change)
        except InvalidInput as error:
            raise _problem(error) from None
        fields = {field: getattr(after, field) for field in TermsView.__struct_fields__}
        return TermsView(**fields)


def _terms(patch: TermsPatch) -> Terms:
    given = {name: getattr(patch, name) for name in TermsPatch.__struct_fields__}
    return Terms(
        **{name: _term(name, value) for name, value in given.items() if value is not UNSET}
    )


def _term(name: str, value: Any) -> Any:
    """Return a term as `Terms` has it, where None stands for what stays."""
    return _WITHOUT.get(name, NONE) if value is None else value


def _problem(error: InvalidInput) -> Problem:
    """Return the problem of a term that is wrong, or of a campaign that has none to change."""
    param = _PARAMS.get(error.what, error.what)
    if param not in TermsPatch.__struct_fields__:
        return Problem(409, "wrong_state", str(error))
    return wrong(param, f"{error.expected}, got {error.got}")
