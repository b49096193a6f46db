"""Signing in with a key or a link, signing out, and what every visitor may choose."""

import asyncio
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from seedcast.errors import SeedcastError
from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.answered import Answer, Answered, Endpoint
from seedcast.producers.gateway.page import catalog
from seedcast.producers.gateway.page.catalog import LANGUAGES
from seedcast.producers.gateway.page.rendering import THEME_COOKIE, THEMES, Pages
from seedcast.producers.gateway.page.serving import form_of, seen
from seedcast.producers.gateway.page.view import View, Visit
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.rates import Rate, Rates
from seedcast.producers.gateway.same_origin import SameOrigin
from seedcast.producers.gateway.sessions import PageSessions
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.keys import ApiKey, has_form
from seedcast.storage.accounts.sessions import is_link

TOKEN_DOTS = 2  # of a JWT; no key has one
YEAR = 365 * 86_400  # seconds
# Of one address. Keys have 256 bits: it spares the database, and nobody guesses one.
ATTEMPTS = Rate(what="sign-ins", count=30, seconds=60, burst=15)


class Login:
    def __init__(
        self,
        pages: Pages,
        sessions: PageSessions,
        origin: SameOrigin,
        access: Access,
        accounts: Accounts,
    ) -> None:
        self._pages, self._sessions, self._origin = pages, sessions, origin
        self._access, self._accounts = access, accounts
        self._attempts = Rates(1)

    def routes(self) -> list[StarletteRoute]:
        """Return what needs no session."""
        return [
            _route("GET", "/login", self._show),
            _route("POST", "/login", self._sign_in),
            _route("POST", "/login/preferences", self._prefer),
            StarletteRoute("/static/{version}/{name:path}", self._pages.assets.answer),
        ]

    def views(self) -> tuple[View, ...]:
        return (View(method="POST", path="/logout", scope=None, handler=self.sign_out),)

    async def _show(self, http: Request, _told: Answered) -> Response:
        self._origin.require_host(http)
        return self._form(http, http.query_params.get("next", "/"))

    async def _sign_in(self, http: Request, told: Answered) -> Response:
        """Begin a session and go on to where the visitor wanted to be."""
        goes_on = "/"
        try:
            self._origin.require_host(http)
            self._origin.require_own(http)
            form = await form_of(http)
            goes_on = form.get("next", "/")
            return await self._signed_in(http, form.get("secret", "").strip(), goes_on)
        except (Problem, SeedcastError) as error:
            return self._refused(http, told.fail(error), goes_on)

    async def sign_out(self, visit: Visit) -> Response:
        response = seen("/login")
        await self._sessions.end(visit.http, response)
        return response

    async def _prefer(self, http: Request, _told: Answered) -> Response:
        """Remember a language or a theme in this browser, and go back."""
        self._origin.require_host(http)
        self._origin.require_own(http)
        form = await form_of(http)
        response = seen(local(form.get("next", "/")))
        if (language := form.get("language")) in LANGUAGES:
            _remember(response, catalog.COOKIE, language)
        if (theme := form.get("theme")) in THEMES:
            _remember(response, THEME_COOKIE, theme)
        return response

    async def _signed_in(self, http: Request, secret: str, goes_on: str) -> Response:
        address = http.client.host if http.client else ""
        taken = await self._attempts.take(lambda _: ATTEMPTS, address)
        if not taken.is_allowed:
            wait = {"retry-after": str(max(1, round(taken.retry_after)))}
            raise Problem(429, "too_many_attempts", "too many attempts", headers=wait)
        key = await self._key(secret)
        if await self._sessions.find(http):  # of whoever was here before
            await self._sessions.end(http, Response())
        response = seen(local(goes_on))
        await self._sessions.begin(key, http, response)
        return response

    async def _key(self, secret: str) -> ApiKey:
        """Return the key that this is, or that a link is of. Raises Problem 401."""
        if is_link(secret):
            now = datetime.now(UTC)
            key = await asyncio.to_thread(self._accounts.sessions.take_link, secret, now)
            code = "invalid_link"
        elif secret.count(".") == TOKEN_DOTS:
            message = "it is a token, and not a key: tokens are for the API"
            raise Problem(401, "token_is_no_key", message)
        else:
            key = await self._access.key_of(secret) if has_form(secret) else None
            code = "invalid_key"
        if key is None or key.state(datetime.now(UTC)) != "valid":
            raise Problem(401, code, "it is not valid, or not any more")
        return key

    def _refused(self, http: Request, problem: Problem, goes_on: str) -> Response:
        response = self._form(http, goes_on, problem)
        response.headers.update(problem.headers)
        return response

    def _form(self, http: Request, goes_on: str, problem: Problem | None = None) -> Response:
        return self._pages.render(
            http,
            "login.html",
            status=problem.status if problem else 200,
            goes_on=local(goes_on),
            sentence=self._pages.sentence(http, problem) if problem else None,
        )


def _route(method: str, path: str, answer: Answer) -> StarletteRoute:
    return StarletteRoute(path, Endpoint(f"{method} {path}", answer), methods=[method])


def local(address: str) -> str:
    """Return a path of this gateway: no other address is gone to."""
    is_path = address.startswith("/") and address[1:2] not in ("/", "\\") and address.isprintable()
    return address if is_path and "\\" not in address else "/"


def _remember(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, httponly=True, samesite="lax")
