"""Zombies and hanging workers: neither disturbs the worker that has taken over its partitions.

A zombie was stopped for longer than its session, so its group has given its partitions away.
"""

import os
import random
import signal

import pytest

from seedcast.failpoints import VARIABLE
from seedcast.gpu_consumers.encoder_pool import MAX_THREADS, QUEUE
from seedcast.schemas.topics import AUDIO, RESULTS
from seedcast.settings import PostprocessSettings
from seedcast.watchdog import EXIT_CODE
from tests.builders.waiting import eventually
from tests.crash.deployment import GROUPS, SESSION, Deployment

pytestmark = pytest.mark.integration

REQUESTS = 120
LATER = 20  # requests
EDGES = {
    "gpu-consumer": ["gpu.synthesised"],
    "postprocess": ["postprocess.rendered", "postprocess.stored"],
}
SLOTS = 8  # of espeak
# Utterances that a zombie had begun: those in its slots, and those that its encoders pack.
BEGUN = SLOTS + min(MAX_THREADS, len(os.sched_getaffinity(0))) * QUEUE
# Records that a post-process zombie, which has read all, may deliver late: the batch in hand, and
# those that it begins, on a busy machine, before it learns that it lost its partitions.
LATE = 3 * PostprocessSettings().batch
# Seconds; a start on a busy machine takes most of them.
WATCHDOG = {"SEEDCAST_GPU_WATCHDOG": "10", "SEEDCAST_POSTPROCESS_WATCHDOG": "10"}
# The watchdog of a stopped worker counts the time of the stop, too.
LONG_WATCHDOG = {"SEEDCAST_GPU_WATCHDOG": "3600", "SEEDCAST_POSTPROCESS_WATCHDOG": "3600"}
# Seconds on a busy machine, from the watchdog's end of a worker until a peer has its partitions
# and commits.
MOVED = SESSION + 45.0


def failpoint(kind: str, chance: random.Random, action: str) -> dict[str, str]:
    return {VARIABLE: f"{chance.choice(EDGES[kind])}:{chance.randint(1, 20)}:{action}"}


@pytest.mark.slow
def test_a_zombie_moves_no_offset_back_and_works_again(
    deployment: Deployment, chance: random.Random
) -> None:
    deployment.submit(REQUESTS)
    peers = []
    zombies = {
        kind: deployment.start_worker(kind, **LONG_WATCHDOG, **failpoint(kind, chance, "stop"))
        for kind in EDGES
    }
    for kind, zombie in zombies.items():
        deployment.wait_until_stopped(zombie)
        peers.append(deployment.start_worker(kind))
        with deployment.recovery(f"{kind} stopped beyond its session", kind):
            pass
    deployment.wait_for_completion(REQUESTS)
    expected = [len(deployment.records(topic)) + LATER for topic in (AUDIO, RESULTS)]
    for kind, zombie in zombies.items():
        done, joined = deployment.offsets_done(kind), zombie.log.count('"assigned"')
        zombie.send_signal(signal.SIGCONT)
        eventually(
            lambda: zombie.log.count('"assigned"') > joined,  # noqa: B023
            what="the zombie to join again",
        )
        assert deployment.offsets_done(kind) >= done, "a late commit moved an offset back"
    deployment.submit(LATER, first=REQUESTS, campaign="later")
    deployment.wait_for_completion(REQUESTS + LATER)
    deployment.assert_invariants(REQUESTS + LATER)
    late_audio, late_results = (
        len(deployment.records(topic)) - count
        for topic, count in zip((AUDIO, RESULTS), expected, strict=True)
    )
    assert late_audio <= BEGUN, "what waited in the zombie's buffers came late"
    # Each late audio record has a manifest of its own.
    assert late_results - late_audio <= LATE, "more came late than what was in hand"
    for worker in (*zombies.values(), *peers):
        worker.shut_down()


@pytest.mark.slow
def test_the_watchdog_ends_a_hanging_worker_and_its_partitions_move_in_time(
    deployment: Deployment, chance: random.Random
) -> None:
    deployment.submit(REQUESTS)
    hung = {
        kind: deployment.start_worker(kind, **WATCHDOG, **failpoint(kind, chance, "hang"))
        for kind in GROUPS
    }
    for worker in hung.values():
        worker.wait_for_log('"assigned"')
    # Faust rebalances eagerly when a peer joins. The end of a session causes a second rebalance,
    # before the watchdog's.
    deployment.allow_repeats("postprocess")
    for kind in GROUPS:
        deployment.start_worker(kind)
    for kind, worker in hung.items():
        deployment.wait_for_crash(worker, EXIT_CODE)
        assert "no progress" in worker.log
        with deployment.recovery(f"{kind} hung until the watchdog ended it", kind):
            pass
        assert deployment.recoveries[-1].seconds < MOVED
    deployment.wait_for_completion(REQUESTS)
    deployment.assert_invariants(REQUESTS)
