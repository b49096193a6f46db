"""Rates that all replicas count together, in Redis.

While Redis is away each replica allows its own part, and says so: a limit is no reason to refuse
everybody.
"""

import time
from collections.abc import Callable
from typing import Any

import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import RedisError
from throttled.asyncio import RedisStore
from throttled.exceptions import StoreUnavailableError

from seedcast.errors import InvalidSettings
from seedcast.metrics import GATEWAY_LIMITS_UNSHARED
from seedcast.producers.gateway.rates import Rates, Share, Taken, Throttles
from seedcast.settings import GatewaySettings, secret_of

log = structlog.get_logger(__name__)

SECONDS = 0.25  # for an answer; a second try has as many
PAUSE = 2.0  # seconds between two requests that try whether Redis is back
CONNECTIONS = 64


class SharedRates:
    """For one event loop."""

    def __init__(
        self,
        settings: GatewaySettings,
        own: Rates,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect to nothing yet. `own`: what is allowed while Redis is away."""
        store = RedisStore(settings.limits_url, {"CONNECTION_POOL_KWARGS": _options(settings)})
        self._shared, self._own, self._clock = Throttles(store), own, clock
        self._is_away, self._next_try = False, 0.0

    async def take(self, share: Share, key_id: str, cost: int = 1) -> Taken:
        """Take `cost` of what the key has left of this rate, or nothing if that is not enough."""
        if self._is_away:
            if self._clock() < self._next_try:
                return await self._own.take(share, key_id, cost)
            self._next_try = self._clock() + PAUSE  # the others do not wait for this one
        try:
            taken = await self._shared.take(share(1), key_id, cost)
        except (StoreUnavailableError, RedisError, OSError, InvalidSettings) as error:
            self._lose(error)
            return await self._own.take(share, key_id, cost)
        self._find()
        return taken

    def _lose(self, error: Exception) -> None:
        if not self._is_away:
            problem = str(error.__cause__ or error)[:500]
            log.warning("limits_unshared", problem=problem, next="this replica's part")
            self._next_try = self._clock() + PAUSE
        self._is_away = True
        GATEWAY_LIMITS_UNSHARED.set(1)

    def _find(self) -> None:
        if self._is_away:
            log.info("limits_shared")
        self._is_away = False
        GATEWAY_LIMITS_UNSHARED.set(0)


class _Login(CredentialProvider):
    """User and password as they are now."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        settings = self._settings
        given = settings.limits_password.get_secret_value()
        password = secret_of(given, settings.limits_password_file)
        return (settings.limits_user, password) if settings.limits_user else (password,)


def _options(settings: GatewaySettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "socket_timeout": SECONDS,
        "socket_connect_timeout": SECONDS,
        "retry": Retry(NoBackoff(), 1),  # for a connection that broke while nobody used it
        "max_connections": CONNECTIONS,
    }
    if settings.limits_password.get_secret_value() or settings.limits_password_file:
        options["credential_provider"] = _Login(settings)
    if settings.limits_ca_location:
        options["ssl_ca_certs"] = settings.limits_ca_location
    return options
