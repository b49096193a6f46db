"""What a campaign's forms do: the same as the API's routes, by the same code."""

from typing import Literal

from starlette.responses import Response

from seedcast.producers.gateway.campaign_terms import CampaignTerms, TermsPatch
from seedcast.producers.gateway.campaigns import Campaigns
from seedcast.producers.gateway.page.campaign import ONE, CampaignPage
from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.serving import seen
from seedcast.producers.gateway.page.view import View, Visit
from seedcast.producers.gateway.problems import wrong
from seedcast.producers.gateway.retries import Retries, RetryBody, Retrying
from seedcast.storage.accounts.keys import Scope

Done = Literal["paused", "resumed", "cancelled", "weighed", "retrying", "retried", "nothing_left"]


class CampaignActions:
    def __init__(
        self,
        pages: Pages,
        page: CampaignPage,
        campaigns: Campaigns,
        retries: Retries,
        terms: CampaignTerms,
    ) -> None:
        self._pages, self._page = pages, page
        self._campaigns, self._retries, self._terms = campaigns, retries, terms

    def views(self) -> tuple[View, ...]:
        operate: Scope = "operate"
        return (
            View(method="GET", path=f"{ONE}/cancel", scope=operate, handler=self.ask),
            View(method="POST", path=f"{ONE}/cancel", scope=operate, handler=self.cancel),
            View(method="POST", path=f"{ONE}/pause", scope=operate, handler=self.pause),
            View(method="POST", path=f"{ONE}/resume", scope=operate, handler=self.resume),
            View(method="POST", path=f"{ONE}/weight", scope=operate, handler=self.weigh),
            View(method="POST", path=f"{ONE}/retry", scope="submit", handler=self.retry),
        )

    async def ask(self, visit: Visit) -> Response:
        """Ask whether it is meant: a cancelled campaign stays so."""
        row = await self._page.row(visit)
        return self._pages.render(visit.http, "cancel.html", visit, row=row)

    async def pause(self, visit: Visit) -> Response:
        await self._campaigns.pause(visit.http, visit.key)
        return _back(visit, "paused")

    async def resume(self, visit: Visit) -> Response:
        await self._campaigns.resume(visit.http, visit.key)
        return _back(visit, "resumed")

    async def cancel(self, visit: Visit) -> Response:
        await self._campaigns.cancel(visit.http, visit.key)
        return _back(visit, "cancelled")

    async def weigh(self, visit: Visit) -> Response:
        try:
            weight = float(visit.form.get("weight", ""))
        except ValueError:
            raise wrong("weight", "a number") from None
        name = visit.http.path_params["campaign_id"]
        await self._terms.patch(name, TermsPatch(weight=weight), visit.key)
        return _back(visit, "weighed")

    async def retry(self, visit: Visit) -> Response:
        """Go on to the new campaign, once it is there."""
        name = visit.http.path_params["campaign_id"]
        told = await self._retries.ask(name, RetryBody(), visit.key)
        if isinstance(told, Retrying):
            return _back(visit, "retrying")
        return _back(visit, "retried" if told.campaign_id else "nothing_left")


def _back(visit: Visit, said: Done) -> Response:
    return seen(f"/campaigns/{visit.http.path_params['campaign_id']}?said={said}")
