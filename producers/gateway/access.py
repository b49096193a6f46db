"""Who asks: an API key, a token of the issuer or a session of the page; its tenant and its scopes.

What was found for a key is believed for a minute. Wrong keys are remembered apart, so that any
number of them makes no right one be forgotten.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.requests import Request

from seedcast.producers.gateway.believed import Believed
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.sessions import PageSessions
from seedcast.producers.gateway.tokens import Tokens
from seedcast.storage.accounts.keys import ApiKey, Scope

Find = Callable[[str], Awaitable[ApiKey | None]]


class Access:
    def __init__(
        self,
        find: Find,
        clock: Callable[[], float] = time.monotonic,
        tokens: Tokens | None = None,
        sessions: PageSessions | None = None,
    ) -> None:
        """`find` returns the key of a secret, also a revoked one."""
        self._find, self._tokens, self._sessions = find, tokens, sessions
        self._keys, self._wrong = Believed[ApiKey](clock), Believed[None](clock)

    async def require(self, request: Request, scope: Scope | None) -> ApiKey:
        """Return the key that the request shows, or what its token is instead of one.

        Raises Problem: 401, 403, 421, 503; AccountsUnavailable.
        """
        if self._sessions is not None and self._sessions.has_one(request):
            key: ApiKey | None = await self._sessions.require(request)
        else:
            key = await self.key_of(_shown(request))
        return allowed(key, scope)

    async def key_of(self, secret: str) -> ApiKey | None:
        """Return the key of a secret, also a revoked one, or what a token is instead of one."""
        if self._tokens is not None and "." in secret:  # no key has one
            return await self._tokens.key_of(secret)
        return await self._look_up(secret)

    async def _look_up(self, secret: str) -> ApiKey | None:
        digest = hashlib.sha256(secret.encode()).digest()
        for known in (self._keys, self._wrong):
            if digest in known:
                return known[digest]
        if key := await self._find(secret):
            self._keys.put(digest, key)
        else:
            self._wrong.put(digest, None)
        return key


def allowed(key: ApiKey | None, scope: Scope | None) -> ApiKey:
    """Return the key if it is valid and has the scope. Raises Problem: 401, 403."""
    if key is None or (state := key.state(datetime.now(UTC))) == "revoked":
        raise _refused("the API key is not valid")
    if state == "expired":
        raise _refused(f"the API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC")
    if scope is not None and scope not in key.scopes:
        scopes = ", ".join(key.scopes) or "none"
        message = f"this needs a key with scope {scope}; this one has {scopes}"
        raise Problem(403, "missing_scope", message)
    return key


def _shown(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _refused("expected a header `authorization: Bearer KEY`")
    return secret.strip()


def _refused(message: str) -> Problem:
    return Problem(401, "invalid_api_key", message, headers={"www-authenticate": "Bearer"})
