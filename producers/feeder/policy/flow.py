"""One campaign that is fed: its rows, and what limits when they may go."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from seedcast.campaigns.schedule import ALWAYS, Schedule
from seedcast.producers.feeder.policy.look_ahead import LookAhead
from seedcast.producers.feeder.policy.rate_limit import RateLimit

R = TypeVar("R")
P = TypeVar("P", bound=Hashable)


@dataclass(kw_only=True)
class Flow(Generic[R, P]):
    rows: LookAhead[R, P]
    schedule: Schedule = ALWAYS
    limit: RateLimit | None = None
    failure: Exception | None = None  # why its rows cannot be fed; None again once they can

    def may_feed(self, now: float) -> bool:
        if self.failure or self.rows.is_fed or not self.schedule.is_open(now):
            return False
        return self.limit is None or self.limit.allows(now)

    def next_change(self, now: float) -> float | None:
        """Return when its limits let it go on, or stop it; None: they never do."""
        if self.rows.is_fed:
            return None
        change = self.schedule.next_change(now)
        if self.limit is None or not self.schedule.is_open(now) or self.limit.allows(now):
            return change
        allowed = self.limit.next_change(now)
        return allowed if change is None else min(change, allowed)
