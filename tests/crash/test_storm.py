"""Workers that join and leave every few seconds: progress goes on, and nothing is lost."""

import random

import pytest

from tests.crash.night import GROUPS, Night, Worker

pytestmark = pytest.mark.integration


def test_progress_goes_on_in_a_rebalance_storm(night: Night, chance: random.Random) -> None:
    storm(night, chance, joins=3, requests=800)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_progress_goes_on_in_a_long_rebalance_storm(night: Night, chance: random.Random) -> None:
    storm(night, chance, joins=40, requests=9000)


def storm(night: Night, chance: random.Random, joins: int, requests: int) -> None:
    """One worker of each stage stays; at each turn another of each joins, and one of those leaves, in peace or by kill -9."""
    night.submit(requests)
    others: dict[str, list[Worker]] = {kind: [] for kind in GROUPS}
    for kind in GROUPS:
        night.start(kind)
    for _ in range(joins):
        night.mark("postprocess")  # Faust rebalances eagerly: what is in hand is handed back, and done again
        for kind, joined in others.items():
            joined.append(night.start(kind))
        for kind, joined in others.items():
            joined[-1].says('"assigned"')
            night.mark("postprocess")
            leaver = joined.pop(chance.randrange(len(joined)))
            if chance.random() < 0.5:
                night.kill(leaver)
            else:
                leaver.finishes()
            with night.recovery(f"{kind}: one joined, one left", kind):
                pass
    night.completes(requests, timeout=600)
    night.holds(requests)
