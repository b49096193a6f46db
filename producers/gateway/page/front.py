"""All that is served beside the API, put together."""

from collections.abc import Iterable

from starlette.routing import BaseRoute

from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.page.login import Login
from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.serving import page_routes
from seedcast.producers.gateway.page.view import View
from seedcast.producers.gateway.same_origin import SameOrigin
from seedcast.producers.gateway.sessions import PageSessions
from seedcast.storage.accounts.accounts import Accounts


def front(
    views: Iterable[View],
    pages: Pages,
    sessions: PageSessions,
    origin: SameOrigin,
    access: Access,
    accounts: Accounts,
    limits: Limits,
) -> list[BaseRoute]:
    login = Login(pages, sessions, origin, access, accounts)
    every = (*views, *login.views())
    return [*login.routes(), *page_routes(every, pages, sessions, limits)]
