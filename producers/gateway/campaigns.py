"""GET /v1/campaigns, one of them, and pause, resume and cancel."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from seedcast.campaigns import campaign_state
from seedcast.campaigns.campaign_topic import change_campaign
from seedcast.errors import InvalidInput
from seedcast.producers.gateway import answers, queries
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.own_campaign import own_campaign
from seedcast.producers.gateway.problems import Problem, not_found, wrong
from seedcast.producers.gateway.submissions import StagingView, Submissions
from seedcast.producers.gateway.submissions import view as staging_view
from seedcast.schemas.messages import Campaign, CampaignState
from seedcast.settings import Settings
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.accounts.stagings import StagingState
from seedcast.storage.index.indexed import IndexedCampaign


class CampaignView(Struct, frozen=True, kw_only=True):
    """A campaign and its counts: accepted = finished + waiting."""

    campaign_id: str
    state: CampaignState | StagingState  # of one whose list is staged, or was refused: the latter
    created_at: datetime
    accepted: int | None
    fed: int
    spoken: Annotated[int, Meta(description="at least so many; those of a list seconds ago")]
    succeeded: int
    failed: int
    expired: int
    cancelled: int
    audio_seconds: float
    errors: dict[str, int] = {}
    held: str | None = None
    deadline: datetime | None = None
    weight: float = 1.0
    rate: float | None = None
    window: str | None = None
    zone: str | None = None
    start_at: datetime | None = None
    retry_of: str | None = None
    staging: StagingView | None = None  # until the campaign exists


class CampaignList(Struct, frozen=True, kw_only=True):
    campaigns: tuple[CampaignView, ...]
    has_more: bool
    after: Annotated[str | None, Meta(description="what `after` of the next page is")] = None


class Changed(Struct, frozen=True, kw_only=True):
    campaign_id: str
    before: CampaignState
    state: CampaignState


class Campaigns:
    def __init__(self, settings: Settings, index: OpenIndex, submissions: Submissions) -> None:
        self._settings, self._index, self._submissions = settings, index, submissions

    async def list(self, http: Request, key: ApiKey) -> Response:
        """Return a page, the newest first."""
        known = await self._index.ask(lambda index: index.campaigns())
        own = [found for found in reversed(known) if found.tenant == key.tenant]
        own = _after(own, http.query_params.get("after"))
        limit = queries.limit(http)
        page, has_more = own[:limit], len(own) > limit
        body = CampaignList(
            campaigns=tuple(view(found) for found in page),
            has_more=has_more,
            after=page[-1].campaign_id if has_more else None,
        )
        return answers.json(body)

    async def show(self, http: Request, key: ApiKey) -> Response:
        name = http.path_params["campaign_id"]
        found = await self._index.ask(lambda index: index.campaign(name))
        if found is None or found.campaign is None:
            return answers.json(await self._unstaged(name, key))
        if found.tenant != key.tenant:
            raise not_found("the campaign")
        return answers.json(view(found))

    async def _unstaged(self, name: str, key: ApiKey) -> CampaignView:
        """Return what there is of a campaign without a record. Raises Problem 404."""
        if (staging := await self._submissions.find(name, key)) is None:
            raise not_found("the campaign")
        return CampaignView(
            campaign_id=name,
            # Its record is written, and the index does not have it yet.
            state="sealed" if staging.state == "done" else staging.state,
            created_at=staging.created_at,
            accepted=staging.accepted if staging.state == "done" else None,
            fed=0,
            spoken=0,
            succeeded=0,
            failed=0,
            expired=0,
            cancelled=0,
            audio_seconds=0,
            staging=staging_view(staging),
        )

    async def pause(self, http: Request, key: ApiKey) -> Response:
        return await self._change(http, key, campaign_state.paused)

    async def resume(self, http: Request, key: ApiKey) -> Response:
        return await self._change(http, key, campaign_state.resumed)

    async def cancel(self, http: Request, key: ApiKey) -> Response:
        return await self._change(http, key, campaign_state.cancelled)

    async def _change(
        self, http: Request, key: ApiKey, change: Callable[[Campaign], Campaign]
    ) -> Response:
        name = http.path_params["campaign_id"]
        await self._found(name, key)
        try:
            before, after = await asyncio.to_thread(change_campaign, self._settings, name, change)
        except InvalidInput as error:
            raise Problem(409, "wrong_state", str(error)) from None
        body = Changed(campaign_id=name, before=before.state, state=after.state)
        return answers.json(body)

    async def _found(self, name: str, key: ApiKey) -> IndexedCampaign:
        """Return a campaign of the key's tenant. Raises Problem: 404, 503."""
        return await self._index.ask(lambda index: own_campaign(index, name, key))


def view(found: IndexedCampaign) -> CampaignView:
    """Return what a client sees of a campaign that has a record."""
    if (record := found.campaign) is None:
        raise not_found("the campaign")
    progress = found.progress
    return CampaignView(
        campaign_id=found.campaign_id,
        state=record.state,
        created_at=record.created_at,
        accepted=progress.accepted,
        fed=found.fed,
        spoken=found.spoken,
        succeeded=progress.succeeded,
        failed=progress.failed,
        expired=progress.expired,
        cancelled=progress.cancelled,
        audio_seconds=round(progress.audio_seconds, 3),
        errors=dict(found.errors),
        held=found.why_held,
        deadline=record.deadline,
        weight=record.weight,
        rate=record.rate,
        window=record.window,
        zone=record.zone,
        start_at=record.start_at,
        retry_of=record.retry_of,
    )


def _after(found: list[IndexedCampaign], name: str | None) -> list[IndexedCampaign]:
    if name is None:
        return found
    names = [each.campaign_id for each in found]
    if name not in names:
        raise wrong("after", "a campaign id")
    return found[names.index(name) + 1 :]
