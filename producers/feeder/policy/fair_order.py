"""Which campaign's row is fed next: tenants take turns, and within a tenant its campaigns.

Turns are counted in predicted seconds of audio. Only a campaign's weight within its tenant grows
with its number, weight or deadline; the tenant's share does not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seedcast.errors import InvalidInput
from seedcast.producers.feeder.policy.fair_queue import FairQueue

# Beyond these, one of two campaigns would hardly move while the other has rows.
LEAST_WEIGHT, MOST_WEIGHT = 0.01, 100.0
CREDIT = 60.0  # seconds of audio by which what was blocked may catch up, unless set otherwise


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Weights beyond the bounds count as the nearest bound."""

    tenant: str
    weight: float = 1.0  # within its tenant
    boost: float = 1.0  # multiplies the weight: see deadline.py


class FairOrder:
    def __init__(self, credit: float = CREDIT) -> None:
        self._credit = credit
        self._tenants = FairQueue(credit)
        self._campaigns: dict[str, FairQueue] = {}  # by tenant
        self._tenant_of: dict[str, str] = {}  # by campaign

    def set_flows(self, terms: Mapping[str, Terms]) -> None:
        """Set all campaigns and their weights, which count from the next pick.

        A new one is asleep; one that is not named any more is forgotten.
        """
        self._tenant_of = {campaign: term.tenant for campaign, term in terms.items()}
        for campaign, term in terms.items():
            if term.tenant not in self._campaigns:
                self._campaigns[term.tenant] = FairQueue(self._credit)
            weight = bounded(term.weight) * max(1.0, term.boost)
            self._campaigns[term.tenant].set_weight(campaign, weight)
            self._tenants.set_weight(term.tenant, 1.0)
        self._forget()

    def set_credit(self, seconds: float) -> None:
        """Set by how many seconds of audio what was blocked may catch up."""
        self._credit = seconds
        for queue in (self._tenants, *self._campaigns.values()):
            queue.credit = seconds

    def wake(self, campaign: str) -> None:
        """It has a row that may be fed now, as far as is known."""
        self._campaigns[self._tenant_of[campaign]].wake(campaign)
        self._tenants.wake(self._tenant_of[campaign])

    def block(self, campaign: str) -> None:
        """It has rows, but no partition has room for them: it keeps its virtual time."""
        self._campaigns[self._tenant_of[campaign]].block(campaign)
        self._follow(self._tenant_of[campaign])

    def sleep(self, campaign: str) -> None:
        """It has no row, or may feed none now: when it wakes, it starts at the present."""
        self._campaigns[self._tenant_of[campaign]].sleep(campaign)
        self._follow(self._tenant_of[campaign])

    def pick(self) -> str | None:
        """Return the campaign whose turn it is, and the same until that changes; None: none."""
        tenant = self._tenants.pick()
        return None if tenant is None else self._campaigns[tenant].pick()

    def charge(self, campaign: str, seconds: float) -> None:
        """Count a row as fed. `seconds`: its predicted audio; more than 0."""
        self._campaigns[self._tenant_of[campaign]].charge(campaign, seconds)
        self._tenants.charge(self._tenant_of[campaign], seconds)

    def _follow(self, tenant: str) -> None:
        """Let a tenant be what its campaigns are."""
        state = self._campaigns[tenant].state
        if state == "blocked":
            self._tenants.block(tenant)
        elif state == "asleep":
            self._tenants.sleep(tenant)

    def _forget(self) -> None:
        for tenant, queue in list(self._campaigns.items()):
            queue.retain(self._tenant_of.keys())
            self._follow(tenant)
            if not len(queue):
                del self._campaigns[tenant]
        self._tenants.retain(self._campaigns.keys())


def bounded(weight: float) -> float:
    """Return the nearest weight within the bounds."""
    return min(max(weight, LEAST_WEIGHT), MOST_WEIGHT)


def checked_weight(weight: float) -> float:
    """Return a weight that somebody asks for. Raises InvalidInput if it is out of bounds."""
    if LEAST_WEIGHT <= weight <= MOST_WEIGHT:
        return weight
    raise InvalidInput(
        "weight",
        expected=f"a number from {LEAST_WEIGHT:g} to {MOST_WEIGHT:g}",
        got=f"{weight:g}",
        remedy="1 is usual; a campaign of weight 2 gets twice as much as one of weight 1",
    )


def shares(terms: Iterable[Terms]) -> list[float]:
    """Return the share of the fleet that each of these campaigns gets while all have rows."""
    listed = list(terms)
    weights = [bounded(term.weight) * max(1.0, term.boost) for term in listed]
    of_tenant = dict.fromkeys((term.tenant for term in listed), 0.0)
    for term, weight in zip(listed, weights, strict=True):
        of_tenant[term.tenant] += weight
    return [
        weight / of_tenant[term.tenant] / len(of_tenant)
        for term, weight in zip(listed, weights, strict=True)
    ]
