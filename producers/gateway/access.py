"""Who asks: an API key or a token of the issuer, its tenant and its scopes.

What was found for a key is believed for a minute. Wrong keys are remembered apart, so that any
number of them makes no right one be forgotten.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from starlette.requests import Request

from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.tokens import Tokens
from seedcast.storage.accounts.keys import ApiKey, Scope

BELIEVED = 60.0  # seconds; a revoked key may work for as long
REMEMBERED = 10_000  # keys, and as many that are none

Find = Callable[[str], Awaitable[ApiKey | None]]

T = TypeVar("T")


class Access:
    def __init__(
        self,
        find: Find,
        clock: Callable[[], float] = time.monotonic,
        tokens: Tokens | None = None,
    ) -> None:
        """`find` returns the key of a secret, also a revoked one."""
        self._find, self._tokens = find, tokens
        self._keys, self._wrong = Believed[ApiKey](clock), Believed[None](clock)

    async def require(self, request: Request, scope: Scope | None) -> ApiKey:
        """Return the key that the request shows, or what its token is instead of one.

        Raises Problem: 401, 403, 503; AccountsUnavailable.
        """
        secret = _shown(request)
        if self._tokens is not None and "." in secret:  # no key has one
            key: ApiKey | None = await self._tokens.key_of(secret)
        else:
            key = await self._look_up(secret)
        if key is None or (state := key.state(datetime.now(UTC))) == "revoked":
            raise _refused("the API key is not valid")
        if state == "expired":
            raise _refused(f"the API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC")
        if scope is not None and scope not in key.scopes:
            scopes = ", ".join(key.scopes) or "none"
            message = f"this needs a key with scope {scope}; this one has {scopes}"
            raise Problem(403, "missing_scope", message)
        return key

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


class Believed(Generic[T]):
    """What was found lately, by digest."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._found: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._found and self._clock() < self._found[digest][0]

    def __getitem__(self, digest: bytes) -> T:
        return self._found[digest][1]

    def put(self, digest: bytes, found: T) -> None:
        self._found[digest] = self._clock() + BELIEVED, found
        self._found.move_to_end(digest)
        if len(self._found) > REMEMBERED:
            self._found.popitem(last=False)


def _shown(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _refused("expected a header `authorization: Bearer KEY`")
    return secret.strip()


def _refused(message: str) -> Problem:
    return Problem(401, "invalid_api_key", message, headers={"www-authenticate": "Bearer"})
