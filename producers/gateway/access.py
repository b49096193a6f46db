"""Who asks: an API key, its tenant and its scopes.

What was found for a key is believed for a minute.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request

from seedcast.producers.gateway.problems import Problem
from seedcast.storage.accounts.keys import ApiKey, Scope

BELIEVED = 60.0  # seconds; a revoked key may work for as long
REMEMBERED = 10_000  # keys

Find = Callable[[str], ApiKey | None]


class Access:
    def __init__(self, find: Find, clock: Callable[[], float] = time.monotonic) -> None:
        """`find` returns the key of a secret, also a revoked one; it may block."""
        self._find, self._clock = find, clock
        self._known: OrderedDict[bytes, tuple[float, ApiKey | None]] = OrderedDict()

    async def require(self, request: Request, scope: Scope | None) -> ApiKey:
        """Return the key that the request shows. Raises Problem: 401, 403; AccountsUnavailable."""
        secret = _shown(request)
        key = await self._look_up(secret)
        if key is None or (state := key.state(datetime.now(UTC))) == "revoked":
            raise _refused("the API key is not valid")
        if state == "expired":
            raise _refused(f"the API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC")
        if scope is not None and scope not in key.scopes:
            message = f"this needs a key with scope {scope}; this one has {', '.join(key.scopes)}"
            raise Problem(403, "missing_scope", message)
        return key

    async def _look_up(self, secret: str) -> ApiKey | None:
        digest = hashlib.sha256(secret.encode()).digest()
        now = self._clock()
        if (known := self._known.get(digest)) and now < known[0]:
            return known[1]
        key = await asyncio.to_thread(self._find, secret)
        self._known[digest] = now + BELIEVED, key
        self._known.move_to_end(digest)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return key


def _shown(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _refused("expected a header `authorization: Bearer KEY`")
    return secret.strip()


def _refused(message: str) -> Problem:
    return Problem(401, "invalid_api_key", message, headers={"www-authenticate": "Bearer"})
