"""How far a list is on its way to be a campaign, and what was found in it."""

import msgspec
from starlette.responses import Response

from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.serving import seen
from seedcast.producers.gateway.page.view import View, Visit
from seedcast.producers.gateway.submissions import CampaignBody, Submissions
from seedcast.producers.staging.list_job import ListOptions
from seedcast.storage.accounts.stagings import Staging

WRONG = 20  # rows that are shown


class Staged:
    def __init__(self, pages: Pages, submissions: Submissions) -> None:
        self._pages, self._submissions = pages, submissions

    def views(self) -> tuple[View, ...]:
        path = "/staging/{campaign_id}"
        return (
            View(method="GET", path=path, scope="submit", handler=self.show),
            View(method="GET", path=f"{path}/check", scope="submit", handler=self.show_check),
            View(method="POST", path=f"{path}/submit", scope="submit", handler=self.submit),
        )

    async def show(self, visit: Visit) -> Response:
        return await self._page(visit, await self._found(visit, is_check=False))

    async def show_check(self, visit: Visit) -> Response:
        return await self._page(visit, await self._found(visit, is_check=True))

    async def submit(self, visit: Visit) -> Response:
        """Submit the list that was checked, with the options that it was checked with."""
        checked = await self._found(visit, is_check=True)
        options = msgspec.json.decode(checked.options, type=ListOptions)
        given = {name: getattr(options, name) for name in ListOptions.__struct_fields__}
        body = CampaignBody(file_id=checked.file_id, **given)
        await self._submissions.submit(visit.key, checked.campaign_id, body, is_check=False)
        return seen(f"/staging/{checked.campaign_id}")

    async def _found(self, visit: Visit, *, is_check: bool) -> Staging:
        name = visit.http.path_params["campaign_id"]
        return await self._submissions.require(name, visit.key, is_check=is_check)

    async def _page(self, visit: Visit, staging: Staging) -> Response:
        told = await self._submissions.view(staging)
        report = told.report or {}
        return self._pages.render(
            visit.http,
            "staged.html",
            visit,
            told=told,
            is_open=staging.is_open,
            file_id=staging.file_id,
            report=report,
            rejections=report.get("rejections", [])[:WRONG],
            reasons=report.get("reasons", [])[:WRONG],
            samples=report.get("samples", []) if visit.may("listen") else [],
            predicted=report.get("predicted"),
        )
