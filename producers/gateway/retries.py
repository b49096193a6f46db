"""POST /v1/campaigns/{id}/retry: what failed or expired, submitted again as a new campaign."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.errors import InvalidInput
from seedcast.producers.gateway import answers, retry_command
from seedcast.producers.gateway.bodies import MAX_JSON, decode, read
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.own_campaign import own_campaign
from seedcast.producers.gateway.problems import Problem, unavailable, wrong
from seedcast.producers.gateway.retry_command import RetryReport
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.rows.values import deadline as instant_of
from seedcast.producers.staging.retry import RetryOptions, retry_name
from seedcast.schemas.messages import CampaignId
from seedcast.settings import Settings
from seedcast.storage.accounts.keys import ApiKey

WAIT = 20.0  # seconds for which a client is kept; then it gets the address
MOST = 16  # campaigns whose retries are under way or wait: they run one after the other


class RetryBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it is optional, as the body is."""

    campaign_id: Annotated[
        CampaignId | None, Meta(description="the new one; CAMPAIGN-retry-1 if not given, and so on")
    ] = None
    deadline: Annotated[
        str | None, Meta(description="ISO 8601 with its zone, or 2h from now; the old is dropped")
    ] = None


class RetryView(Struct, frozen=True, kw_only=True):
    """What became of the requests that failed or expired."""

    campaign_id: str | None  # the new one; null if nothing was left to submit
    retry_of: str
    asked: Mapping[str, int]  # by error code
    accepted: int  # of them, in the new campaign
    spoken: int  # left out: an earlier retry has spoken them
    under_way: int  # left out: an earlier retry has them under way
    missing: int  # cannot be found any more


class Retrying(Struct, frozen=True, kw_only=True):
    """It is under way. Once it is staged the new campaign is at `url`."""

    campaign_id: str
    url: str


@dataclass(frozen=True)
class _Job:
    body: RetryBody
    name: "asyncio.Task[str]"
    report: "asyncio.Task[RetryReport]"


class Retries:
    """For one event loop. Of another gateway's retry of the same name the first counts."""

    def __init__(self, settings: Settings, index: OpenIndex) -> None:
        self._settings, self._index = settings, index
        self._jobs = dict[str, _Job]()  # by the campaign that is retried
        self._turn = asyncio.Semaphore(1)

    async def retry(self, http: Request, key: ApiKey) -> Response:
        """Answer with the report or, if it takes long, with the new campaign's address."""
        told = await self.ask(http.path_params["campaign_id"], await _body(http), key)
        if isinstance(told, Retrying):
            return answers.json(told, 202, {"location": told.url})
        return answers.json(told)

    async def ask(self, campaign: str, body: RetryBody, key: ApiKey) -> RetryView | Retrying:
        """Return the report or, if it takes long, where the new campaign will be."""
        await self._index.ask(lambda index: own_campaign(index, campaign, key))
        job = self._job(campaign, body)
        name = await asyncio.shield(job.name)
        await asyncio.wait([job.report], timeout=WAIT)
        if not job.report.done():
            return Retrying(campaign_id=name, url=f"/v1/campaigns/{name}")
        return _view(job.report.result())

    async def stop(self) -> None:
        """End what is under way; it leaves no campaign behind."""
        reports = [job.report for job in self._jobs.values()]
        for report in reports:
            report.cancel()
        await asyncio.gather(*reports, return_exceptions=True)

    def _job(self, campaign: str, body: RetryBody) -> _Job:
        """Return the retry that is under way, or begin one. Raises Problem: 409, 503."""
        if known := self._jobs.get(campaign):
            if known.body == body:
                return known
            message = "another retry of it is under way"
            raise Problem(409, "wrong_state", message, headers={"retry-after": "5"})
        if len(self._jobs) >= MOST:
            raise unavailable(f"{MOST} retries are under way", retry_after=30)
        name = asyncio.create_task(asyncio.to_thread(self._name, campaign, body))
        report = asyncio.create_task(self._run(campaign, name, body))
        self._jobs[campaign] = job = _Job(body, name, report)
        report.add_done_callback(lambda _: self._end(campaign, report))
        return job

    def _end(self, campaign: str, report: "asyncio.Task[RetryReport]") -> None:
        del self._jobs[campaign]
        if not report.cancelled():
            report.exception()  # its client may have gone; the log has it

    async def _run(self, campaign: str, name: "asyncio.Task[str]", body: RetryBody) -> RetryReport:
        named = await name
        async with self._turn:
            return await retry_command.run(campaign, named, body.deadline)

    def _name(self, campaign: str, body: RetryBody) -> str:
        """Return the new campaign's name. Raises Problem 409 if it is another's."""
        options = RetryOptions(campaign=campaign, name=body.campaign_id)
        try:
            return retry_name(read_campaigns(self._settings), options)
        except InvalidInput:
            message = f"campaign_id: expected a new name, or that of a retry of {campaign}"
            raise Problem(409, "name_taken", message, param="campaign_id") from None


async def _body(http: Request) -> RetryBody:
    """Raises Problem, also for a deadline that is none."""
    sent = await read(http, MAX_JSON)
    body = decode(sent, RetryBody) if sent else RetryBody()
    if body.deadline is not None:
        try:
            instant_of(body.deadline, datetime.now(UTC))
        except InvalidValue as error:
            raise wrong("deadline", f"{error.expected}, got {error.got}") from None
    return body


def _view(report: RetryReport) -> RetryView:
    submitted = report.submitted
    return RetryView(
        campaign_id=report.campaign_id if submitted else None,
        retry_of=report.retry_of,
        asked=report.asked,
        accepted=submitted.accepted if submitted else 0,
        spoken=report.spoken,
        under_way=report.under_way,
        missing=report.missing,
    )
