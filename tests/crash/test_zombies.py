"""A worker that was stopped beyond its session comes back when its work is another's, and a worker that hangs does not keep its partitions."""

import os
import random
import signal

import pytest

from gpu_consumers.encoder_pool import MOST, QUEUE
from schemas.topics import AUDIO, RESULTS
from seedcast.failpoints import VARIABLE
from seedcast.settings import PostprocessSettings
from seedcast.watchdog import EXIT_CODE
from tests.conftest import eventually
from tests.crash.night import GROUPS, SESSION, Night

pytestmark = pytest.mark.integration

REQUESTS = 200
LATER = 20  # requests
EDGES = {
    "gpu-consumer": ["gpu.synthesised"],
    "postprocess": ["postprocess.rendered", "postprocess.stored"],
}
SLOTS = 8  # of espeak
OUT_OF_SLOTS = (
    SLOTS + min(MOST, len(os.sched_getaffinity(0))) * QUEUE
)  # utterances: what a zombie had begun, some of it being packed
LATE = (
    3 * PostprocessSettings().batch
)  # the batch in hand, and those that it begins before it hears that it is a zombie, on a busy machine; it has read all
WATCHDOG = {
    "SEEDCAST_GPU_WATCHDOG": "15",
    "SEEDCAST_POSTPROCESS_WATCHDOG": "15",
}  # seconds; a start on a busy machine takes most of them
ASLEEP = {
    "SEEDCAST_GPU_WATCHDOG": "3600",
    "SEEDCAST_POSTPROCESS_WATCHDOG": "3600",
}  # time goes on for a stopped worker's watchdog, too
MOVED = (
    SESSION + 45.0
)  # seconds from the watchdog's end until a peer has the partitions and commits, on a busy machine


def at(kind: str, chance: random.Random, action: str) -> dict[str, str]:
    return {VARIABLE: f"{chance.choice(EDGES[kind])}:{chance.randint(1, 80)}:{action}"}


def test_a_zombie_brings_nothing_back_and_works_again(night: Night, chance: random.Random) -> None:
    night.submit(REQUESTS)
    peers, zombies = [], {}
    for kind in EDGES:
        zombies[kind] = night.start(kind, **ASLEEP, **at(kind, chance, "stop"))
        night.stops(zombies[kind])
        peers.append(night.start(kind))
        with night.recovery(f"{kind} stopped beyond its session", kind):
            pass
    night.completes(REQUESTS)
    before = [len(night.topic(topic)) + LATER for topic in (AUDIO, RESULTS)]
    for kind, zombie in zombies.items():
        done, joined = night.done(kind), zombie.said.count('"assigned"')
        zombie.send(signal.SIGCONT)
        eventually(
            lambda: zombie.said.count('"assigned"') > joined,  # noqa: B023
            what="the zombie to join again",
        )
        assert night.done(kind) >= done, "a late commit moved an offset back"
    night.submit(LATER, first=REQUESTS, campaign="later")
    night.completes(REQUESTS + LATER)
    night.holds(REQUESTS + LATER)
    audio, results = (
        len(night.topic(topic)) - count
        for topic, count in zip((AUDIO, RESULTS), before, strict=True)
    )
    assert audio <= OUT_OF_SLOTS, "what waited in the zombie's buffers came late"
    assert results - audio <= LATE, (
        "more came late than what was in hand"
    )  # late audio has a manifest of its own
    for worker in (*zombies.values(), *peers):
        worker.finishes()


def test_a_worker_that_hangs_is_ended_and_its_partitions_move_in_time(
    night: Night, chance: random.Random
) -> None:
    night.submit(REQUESTS)
    hung = {kind: night.start(kind, **WATCHDOG, **at(kind, chance, "hang")) for kind in GROUPS}
    for worker in hung.values():
        worker.says('"assigned"')
    night.mark(
        "postprocess"
    )  # Faust rebalances eagerly, and a session that ends does it again before the watchdog's
    for kind in GROUPS:
        night.start(kind)
    for kind, worker in hung.items():
        night.died(worker, EXIT_CODE)
        assert "no progress" in worker.said
        with night.recovery(f"{kind} hung until the watchdog ended it", kind):
            pass
        assert night.recoveries[-1].seconds < MOVED
    night.completes(REQUESTS)
    night.holds(REQUESTS)
