"""Rates of keys by GCRA (the generic cell rate algorithm), by throttled-py."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from throttled import rate_limiter
from throttled.asyncio import MemoryStore, Throttled

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


class Rates:
    """In this process's memory. For one event loop."""

    def __init__(self) -> None:
        self._throttled = _throttles(MemoryStore(options={"MAX_SIZE": 4 * _KEYS}))

    async def take(self, rate: Rate, key_id: str, cost: int = 1) -> Taken:
        """Take `cost` of what the key has left of this rate, or nothing if that is not enough."""
        result = await self._throttled(rate).limit(key_id, cost)
        state = result.state
        headers = {
            f"x-ratelimit-limit-{rate.what}": str(state.limit),
            f"x-ratelimit-remaining-{rate.what}": str(state.remaining),
            f"x-ratelimit-reset-{rate.what}": f"{state.reset_after:.3f}s",
        }
        return Taken(is_allowed=not result.limited, retry_after=state.retry_after, headers=headers)


def _throttles(store: MemoryStore) -> Callable[[Rate], Throttled]:
    """Return what makes the throttle of a rate, once."""
    made = dict[Rate, Throttled]()

    def throttled(rate: Rate) -> Throttled:
        if rate not in made:
            made[rate] = _throttle(rate, store)
        return made[rate]

    return throttled


def _throttle(rate: Rate, store: MemoryStore) -> Throttled:
    quota = rate_limiter.per_duration(timedelta(seconds=rate.seconds), rate.count, rate.burst)
    prefix = f"{rate.what}-{rate.count}-{rate.seconds}-{rate.burst}"
    return Throttled(using="gcra", quota=quota, store=store, key_prefix=prefix)
