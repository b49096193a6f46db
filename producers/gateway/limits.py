"""What one key may do: requests per second, characters per minute, requests at once, and
characters that wait. Each replica allows its part, unless rates are counted in Redis.
"""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.rates import Rate, Rates
from seedcast.producers.gateway.shared_rates import SharedRates
from seedcast.schemas.messages import MAX_TEXT
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.keys import ApiKey


class Limits:
    """For one event loop."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings, self._rates = settings, _rates(settings)
        self._at_once, self._queued = Counter[str](), Counter[str]()

    async def take(self, key: ApiKey) -> dict[str, str]:
        """Count one request; return headers that say what is left. Raises Problem 429."""
        allowed = key.limits.requests_per_second or self._settings.rate
        taken = await self._rates.take(partial(_requests, allowed), key.key_id)
        if not taken.is_allowed:
            message = f"more than {allowed:g} requests per second"
            raise _too_many("rate_limited", message, taken.retry_after, taken.headers)
        return taken.headers

    async def speak(self, key: ApiKey, characters: int) -> dict[str, str]:
        """Count the characters of one speech; return headers that say what is left.

        Raises Problem: 429; 400 for a text that no wait would let through.
        """
        allowed = key.limits.characters_per_minute or self._settings.characters_per_minute
        if characters > allowed:
            message = (
                f"input: a text of {characters:,} characters, where this key may send {allowed:,}"
                " per minute; split it, or use a key that may send more"
            )
            raise Problem(400, "text_too_long", message, param="input")
        taken = await self._rates.take(partial(_characters, allowed), key.key_id, characters)
        if not taken.is_allowed:
            message = f"more than {allowed:,} characters per minute"
            raise _too_many("rate_limited", message, taken.retry_after, taken.headers)
        return taken.headers

    @contextmanager
    def at_once(self, key: ApiKey) -> Iterator[None]:
        """Hold one of the key's places. Raises Problem 429 if all are taken."""
        most = math.ceil((key.limits.concurrency or self._settings.concurrency) / self._replicas)
        if self._at_once[key.key_id] >= most:
            message = f"more than {most} requests at once"
            raise _too_many("too_many_at_once", message, 1.0)
        self._at_once[key.key_id] += 1
        try:
            yield
        finally:
            _less(self._at_once, key.key_id, 1)

    def queue(self, key: ApiKey, characters: int) -> None:
        """Count characters that wait to be spoken. Raises Problem 429 if there are too many."""
        most = (key.limits.queued_characters or self._settings.queued_characters) // self._replicas
        if self._queued[key.key_id] + characters > most:
            message = f"more than {most:,} characters of this key wait to be spoken"
            raise _too_many("quota_exceeded", message, 5.0)
        self._queued[key.key_id] += characters

    def spoken(self, key: ApiKey, characters: int) -> None:
        """They wait no longer: they are spoken, or given up."""
        _less(self._queued, key.key_id, characters)

    @property
    def _replicas(self) -> int:
        return self._settings.replicas


def _rates(settings: GatewaySettings) -> Rates | SharedRates:
    own = Rates(settings.replicas)
    return SharedRates(settings, own) if settings.limits_url else own


def _requests(allowed: float, replicas: int) -> Rate:
    """Return whole requests, per second or, below one, per minute; a second's may come at once."""
    rate = allowed / replicas
    burst = max(1, math.ceil(rate))
    if rate >= 1:
        return Rate(what="requests", count=round(rate), seconds=1, burst=burst)
    return Rate(what="requests", count=max(1, round(rate * 60)), seconds=60, burst=burst)


def _characters(allowed: int, replicas: int) -> Rate:
    """Return a replica's share. A text that the key may send fits into it, however many replicas
    there are, so that the first minute may have more than the later ones."""
    burst = min(allowed, max(allowed // replicas, MAX_TEXT))
    # A share of 100 / 3 in a minute is 100 in 3 minutes.
    return Rate(what="characters", count=allowed, seconds=60 * replicas, burst=burst)


def _less(counts: Counter[str], name: str, by: int) -> None:
    counts[name] -= by
    if counts[name] <= 0:
        del counts[name]


def _too_many(
    code: str, message: str, retry_after: float, headers: dict[str, str] | None = None
) -> Problem:
    wait = {"retry-after": str(max(1, math.ceil(retry_after)))}
    return Problem(429, code, message, headers=wait | (headers or {}))
