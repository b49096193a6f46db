"""What one key may do: requests per second, requests at once, and characters that wait.

Rates are GCRA (the generic cell rate algorithm), by throttled-py. Each replica allows its share.
"""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from throttled import rate_limiter
from throttled.asyncio import MemoryStore, Throttled

from seedcast.producers.gateway.problems import Problem
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.keys import ApiKey

_KEYS = 10_000  # whose rates are remembered


class Limits:
    """For one event loop."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._store = MemoryStore(options={"MAX_SIZE": 2 * _KEYS})
        self._throttles = dict[float, Throttled]()
        self._at_once, self._queued = Counter[str](), Counter[str]()

    async def take(self, key: ApiKey) -> dict[str, str]:
        """Count one request; return headers that say what is left. Raises Problem 429."""
        allowed = key.limits.requests_per_second or self._settings.rate
        throttle = self._throttle(allowed / self._replicas)
        result = await throttle.limit(key.key_id)
        state = result.state
        headers = {
            "x-ratelimit-limit-requests": str(state.limit),
            "x-ratelimit-remaining-requests": str(state.remaining),
            "x-ratelimit-reset-requests": f"{state.reset_after:.3f}s",
        }
        if result.limited:
            message = f"more than {allowed:g} requests per second"
            raise _too_many("rate_limited", message, state.retry_after, headers)
        return headers

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

    def _throttle(self, rate: float) -> Throttled:
        """Return the throttle of a rate: a second's requests may come at once."""
        if rate not in self._throttles:
            quota = _quota(rate)
            self._throttles[rate] = Throttled(
                using="gcra", quota=quota, store=self._store, key_prefix=f"{rate:g}"
            )
        return self._throttles[rate]


def _quota(rate: float) -> rate_limiter.Quota:
    """Return a quota of whole requests, per second or, below one, per minute."""
    burst = max(1, math.ceil(rate))
    if rate >= 1:
        return rate_limiter.per_sec(max(1, round(rate)), burst=burst)
    return rate_limiter.per_min(max(1, round(rate * 60)), burst=burst)


def _less(counts: Counter[str], name: str, by: int) -> None:
    counts[name] -= by
    if counts[name] <= 0:
        del counts[name]


def _too_many(
    code: str, message: str, retry_after: float, headers: dict[str, str] | None = None
) -> Problem:
    wait = {"retry-after": str(max(1, math.ceil(retry_after)))}
    return Problem(429, code, message, headers=wait | (headers or {}))
