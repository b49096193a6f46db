"""What is fed now: the policy as a whole, over campaigns, partitions and the fleet."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Generic, TypeVar

from seedcast.errors import ListDamaged, Retryable
from seedcast.producers.feeder.policy.depth import Depth
from seedcast.producers.feeder.policy.fair_order import CREDIT, FairOrder, Terms
from seedcast.producers.feeder.policy.flow import Flow
from seedcast.producers.feeder.policy.look_ahead import WINDOW

R = TypeVar("R")
P = TypeVar("P", bound=Hashable)

# Seconds of the whole fleet's work by which a campaign catches up that had to wait for room: 5 %
# of a minute, so that the shares of the others over a minute stay right.
CATCH_UP = 3.0
# Rows that all campaigns together keep in memory, and each of them at least.
MOST_PASSED, LEAST_WINDOW = 64_000, 100


@dataclass(frozen=True, slots=True)
class Released(Generic[R, P]):
    """A row to feed. Acknowledge it, or give it back."""

    campaign: str
    flow: Flow[R, P]
    index: int  # of the row in its list, from 0
    row: R
    request_id: str


class Release(Generic[R, P]):
    def __init__(
        self,
        depth: Depth[P],
        id_of: Callable[[R], str],
        partition_of: Callable[[R], P],
        cost_of: Callable[[R], float],
    ) -> None:
        """`cost_of` predicts a row's audio in seconds."""
        self.depth = depth
        self._id_of, self._partition_of, self._cost_of = id_of, partition_of, cost_of
        self._order = FairOrder()
        self._flows: Mapping[str, Flow[R, P]] = {}

    def set_flows(self, flows: Mapping[str, Flow[R, P]], terms: Mapping[str, Terms]) -> None:
        """Set the campaigns that are neither paused nor fed, and their terms."""
        self._flows = flows
        for flow in flows.values():
            flow.rows.window = min(WINDOW, max(LEAST_WINDOW, MOST_PASSED // len(flows)))
        self._order.set_flows({campaign: terms[campaign] for campaign in flows})

    def turn(self, now: float) -> Iterator[Released[R, P]]:
        """Yield what is to be fed, one after another, until nothing has room or may go.

        Where a campaign's rows cannot be read, its flow says so, and the others go on.
        """
        self._order.set_credit(max(CREDIT, CATCH_UP * self.depth.per_second(now)))
        for campaign, flow in self._flows.items():
            if flow.may_feed(now):
                self._order.wake(campaign)
            else:
                self._order.sleep(campaign)
        roomy = self.depth.roomy(now)
        while roomy and (picked := self._order.pick()) is not None:
            if released := self._take(picked, self._flows[picked], roomy):
                self._count(released, roomy, now)
                yield released

    def acknowledge(self, released: Released[R, P]) -> None:
        """The row is fed: the broker has it."""
        released.flow.rows.acknowledge(released.index)

    def give_back(self, released: Released[R, P]) -> None:
        """The row is not fed, as far as is known: it comes again, in a later turn."""
        self.depth.forget(released.request_id)
        released.flow.rows.give_back(released.index)
        if released.campaign in self._flows:
            self._order.sleep(released.campaign)

    def next_change(self, now: float) -> float | None:
        """Return when a campaign's limits change next; None: never."""
        changes = [flow.next_change(now) for flow in self._flows.values()]
        return min((change for change in changes if change is not None), default=None)

    def _take(self, campaign: str, flow: Flow[R, P], roomy: Set[P]) -> Released[R, P] | None:
        try:
            taken = flow.rows.take(roomy)
        except (Retryable, ListDamaged) as error:
            flow.failure = error
            self._order.sleep(campaign)
            return None
        if taken is None:
            (self._order.block if flow.rows.has_passed else self._order.sleep)(campaign)
            return None
        index, row = taken
        return Released(campaign, flow, index, row, self._id_of(row))

    def _count(self, released: Released[R, P], roomy: set[P], now: float) -> None:
        cost, partition = self._cost_of(released.row), self._partition_of(released.row)
        self.depth.fed(released.request_id, partition, cost)
        if not self.depth.has_room(partition, now):
            roomy.discard(partition)
        self._order.charge(released.campaign, cost)
        if limit := released.flow.limit:
            limit.take(now)
            if not limit.allows(now):
                self._order.sleep(released.campaign)
