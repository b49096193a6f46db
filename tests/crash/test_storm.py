"""Workers that join and leave every few seconds: progress goes on, and nothing is lost."""

import random

import pytest

from tests.crash.night import GROUPS, Night

pytestmark = pytest.mark.integration

OPEN = 48  # records that two post-process workers have in hand (a batch each) or sent and not committed (a second's), at most, in a turn


def test_progress_goes_on_in_a_rebalance_storm(night: Night, chance: random.Random) -> None:
    storm(night, chance, joins=2, requests=140)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_progress_goes_on_in_a_long_rebalance_storm(night: Night, chance: random.Random) -> None:
    storm(night, chance, joins=40, requests=4000)


def storm(night: Night, chance: random.Random, joins: int, requests: int) -> None:
    """At each turn another worker of each stage joins, and one of the two leaves, in peace or by kill -9: the one at work, at least once."""
    night.submit(requests)
    begin = {
        "gpu-consumer": lambda: night.gpu("paced_engine", SEEDCAST_GPU_VOICE_LOCK="off"),
        "postprocess": night.post,
    }  # at work all the time
    members = {kind: [begin[kind]()] for kind in GROUPS}
    older = {
        kind: chance.sample([True, *chance.choices([True, False], k=joins - 1)], joins)
        for kind in GROUPS
    }
    for turn in range(joins):
        night.mark(
            "postprocess"
        )  # Faust rebalances eagerly: what is in hand is handed back, and done again
        for kind, pair in members.items():
            pair.append(begin[kind]())
        for kind, pair in members.items():
            pair[-1].says('"assigned"')
            night.mark("postprocess")
            leaver = pair.pop(0 if older[kind][turn] else 1)
            if chance.random() < 0.5:
                night.kill(leaver)
            else:
                leaver.finishes()
            with night.recovery(f"{kind}: one joined, one left", kind):
                pass
    night.completes(requests, timeout=600)
    night.holds(requests)
    assert night.repeats["results"] <= joins * OPEN
