"""Sessions of the page: a cookie instead of a key, so that no script of a browser has the key.

A cookie comes by itself, whoever asks: what changes something needs the page's own origin, too, and
a token that only the page has.
"""

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from seedcast.producers.gateway.believed import Believed
from seedcast.producers.gateway.key_lookups import KeyLookups
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.same_origin import SAFE, SameOrigin, is_encrypted
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.keys import ApiKey, hash_of
from seedcast.storage.accounts.sessions import Sessions

TOKEN_HEADER = "x-csrf-token"  # noqa: S105
PLAIN, SECURE = "seedcast-session", "__Host-seedcast-session"  # cookies
_SECRET = re.compile(r"[\w-]{43}", re.ASCII)


class PageSessions:
    """For one event loop. A session that was ended elsewhere may work for a minute more."""

    def __init__(
        self,
        sessions: Sessions,
        settings: GatewaySettings,
        origin: SameOrigin,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions, self._origin = sessions, origin
        self._longest = timedelta(hours=settings.session_hours)
        self.idle = timedelta(hours=settings.session_idle_hours)
        self._look_up = KeyLookups(self._use, is_secret=lambda text: bool(_SECRET.fullmatch(text)))
        self._known = Believed[ApiKey](clock)

    def has_one(self, request: Request) -> bool:
        """Return whether the request shows a session, and nothing that goes before it."""
        return "authorization" not in request.headers and bool(secret_of(request))

    async def require(self, request: Request, token: str | None = None) -> ApiKey:
        """Return the key of the session. `token`: from a form; without one, the header's.

        Raises Problem: 401 where it is over; 403 for a write that no page of ours asks for; 421.
        """
        self._origin.require_host(request)
        if (key := await self.find(request)) is None:
            raise Problem(401, "session_over", "this session is over: sign in again")
        if request.method not in SAFE:
            self._origin.require_own(request)
            given = request.headers.get(TOKEN_HEADER, "") if token is None else token
            if not hmac.compare_digest(given.encode(), token_of(request).encode()):
                message = "this form is of another session: open the page again"
                raise Problem(403, "wrong_token", message)
        return key

    async def find(self, request: Request) -> ApiKey | None:
        """Return the key of the session that the request shows; None if it is over."""
        secret = secret_of(request)
        digest = hash_of(secret)
        if digest in self._known:
            key: ApiKey | None = self._known[digest]
        elif key := await self._look_up(secret):
            self._known.put(digest, key)
        return key if key and key.state(datetime.now(UTC)) == "valid" else None

    async def begin(self, key: ApiKey, request: Request, response: Response) -> None:
        """Begin a session of the key, and let the response tell the browser."""
        secret = await asyncio.to_thread(
            self._sessions.begin, key.key_id, datetime.now(UTC), self._longest
        )
        response.set_cookie(
            SECURE if is_encrypted(request) else PLAIN,
            secret,
            max_age=round(self._longest.total_seconds()),
            httponly=True,
            secure=is_encrypted(request),
            samesite="strict",
        )

    async def end(self, request: Request, response: Response) -> None:
        secret = secret_of(request)
        self._known.forget(hash_of(secret))
        await asyncio.to_thread(self._sessions.end, secret)
        for name in (PLAIN, SECURE):
            response.delete_cookie(name, httponly=True, secure=name == SECURE, samesite="strict")

    def _use(self, hashes: Collection[bytes]) -> dict[bytes, ApiKey]:
        return self._sessions.use(hashes, datetime.now(UTC), self.idle)


def secret_of(request: Request) -> str:
    """Return the secret of the session that the request shows; "" without one."""
    return request.cookies.get(SECURE) or request.cookies.get(PLAIN) or ""


def token_of(request: Request) -> str:
    """Return the token of the session's forms: nobody has it who has not the page."""
    return hmac.new(secret_of(request).encode(), b"forms", hashlib.sha256).hexdigest()
