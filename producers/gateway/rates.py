"""Rates of keys by GCRA (the generic cell rate algorithm), by throttled-py."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from throttled import rate_limiter
from throttled.asyncio import BaseStore, MemoryStore, Throttled

_KEYS = 10_000  # whose rates are remembered


@dataclass(frozen=True, kw_only=True)
class Rate:
    """`count` of something in `seconds`, of which `burst` may come at once."""

    what: str
    count: int
    seconds: int
    burst: int


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What was asked of a rate, and what is left of it."""

    is_allowed: bool
    retry_after: float  # seconds; 0 if it is allowed
    headers: dict[str, str]


Share = Callable[[int], Rate]  # the rate of one of so many replicas


class Throttles:
    """One per rate, in one store."""

    def __init__(self, store: BaseStore) -> None:
        self._store, self._made = store, dict[Rate, Throttled]()

    async def take(self, rate: Rate, key_id: str, cost: int) -> Taken:
        result = await self._throttle(rate).limit(key_id, cost)
        state = result.state
        headers = {
            f"x-ratelimit-limit-{rate.what}": str(state.limit),
            f"x-ratelimit-remaining-{rate.what}": str(state.remaining),
            f"x-ratelimit-reset-{rate.what}": f"{state.reset_after:.3f}s",
        }
        return Taken(is_allowed=not result.limited, retry_after=state.retry_after, headers=headers)

    def _throttle(self, rate: Rate) -> Throttled:
        if rate not in self._made:
            period = timedelta(seconds=rate.seconds)
            quota = rate_limiter.per_duration(period, rate.count, rate.burst)
            prefix = f"seedcast-{rate.what}-{rate.count}-{rate.seconds}-{rate.burst}"
            self._made[rate] = Throttled(
                using="gcra", quota=quota, store=self._store, key_prefix=prefix
            )
        return self._made[rate]


class Rates:
    """In this process's memory: this replica's part. For one event loop."""

    def __init__(self, replicas: int) -> None:
        self._replicas = replicas
        self._throttles = Throttles(MemoryStore(options={"MAX_SIZE": 4 * _KEYS}))

    async def take(self, share: Share, key_id: str, cost: int = 1) -> Taken:
        """Take `cost` of what the key has left of this rate, or nothing if that is not enough."""
        return await self._throttles.take(share(self._replicas), key_id, cost)
