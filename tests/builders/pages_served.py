"""The page and one route of the API in this process, over accounts in SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from seedcast.health import Readiness
from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.feed import Feed
from seedcast.producers.gateway.fleet_watch import Workers
from seedcast.producers.gateway.key_lookups import KeyLookups
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.page.assets import Assets
from seedcast.producers.gateway.page.campaign import CampaignPage
from seedcast.producers.gateway.page.campaign_actions import CampaignActions
from seedcast.producers.gateway.page.catalog import Catalog
from seedcast.producers.gateway.page.front import front
from seedcast.producers.gateway.page.night import Night
from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.view import View, Visit
from seedcast.producers.gateway.routes import Route
from seedcast.producers.gateway.same_origin import SameOrigin
from seedcast.producers.gateway.server import application
from seedcast.producers.gateway.sessions import PageSessions
from seedcast.settings import AccountsSettings, GatewaySettings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.keys import SCOPES, ApiKey, KeyLimits, Scope
from tests.builders.page_index import PageIndex

HOST = "127.0.0.1:8700"
OWN = {"origin": f"http://{HOST}"}


@dataclass
class PagesServed:
    folder: Path
    client: TestClient
    accounts: Accounts
    written: list[str]  # by whom the API was asked to write, and by the form

    def key(self, *scopes: Scope, name: str = "test", tenant: str = "bank") -> tuple[ApiKey, str]:
        return self.accounts.add_key(name, tenant, scopes or SCOPES, KeyLimits())

    def sign_in(self, secret: str, **headers: str) -> "Response":
        return self.client.post(  # type: ignore[return-value]
            "/login", data={"secret": secret}, headers=OWN | headers, follow_redirects=False
        )

    def token(self) -> str:
        """Return the token of the session's forms."""
        page = self.client.get("/").text
        return page.partition('name="csrf-token" content="')[2].partition('"')[0]


class Fleet:
    """Stands for FleetWatch."""

    workers: list[Workers] | None = None
    oldest: int | None = None


@contextmanager
def pages_served(
    folder: Path, index: PageIndex | None = None, fleet: Fleet | None = None, **settings: object
) -> Iterator[PagesServed]:
    gateway = GatewaySettings.model_validate(settings)
    written = list[str]()
    pages = Pages(Assets(), Catalog())
    known: Any = index or PageIndex()
    watched: Any = fleet or Fleet()

    async def write(http: Request, key: ApiKey) -> Response:
        written.append(key.name)
        return PlainTextResponse(key.tenant)

    async def post(visit: Visit) -> Response:
        written.append(visit.form["name"])
        return PlainTextResponse("done")

    feed = Feed(known)
    rate_of = known.rates.get
    page, nothing = CampaignPage(pages, known, feed, rate_of), cast(Any, None)
    views = (
        View(method="POST", path="/form", scope="operate", handler=post),
        *Night(pages, known, watched, feed, rate_of).views(),
        *page.views(),
        *CampaignActions(pages, page, nothing, nothing, nothing).views(),
    )
    api = tuple(
        Route(method=method, path="/v1/things", scope="read", handler=write, summary="", answers={})
        for method in ("GET", "POST")
    )
    with open_accounts(AccountsSettings(url=f"sqlite:///{folder}/accounts.sqlite")) as accounts:
        origin, limits = SameOrigin(gateway), Limits(gateway)
        sessions = PageSessions(accounts.sessions, gateway, origin)
        access = Access(KeyLookups(accounts.find_all), sessions=sessions)
        routes = front(views, pages, sessions, origin, access, accounts, limits)
        app = application(api, access, limits, Readiness(), pages=routes)
        with TestClient(app, base_url=f"http://{HOST}") as client:
            yield PagesServed(folder, client, accounts, written)
