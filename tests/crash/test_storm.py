"""Workers join and leave every few seconds: the groups make progress, and nothing is lost."""

import random

import pytest

from seedcast.schemas.topics import AUDIO
from tests.builders.records import sounds
from tests.builders.topics import send
from tests.builders.waiting import eventually
from tests.crash.deployment import GROUPS, Deployment
from tests.crash.worker_process import Worker

pytestmark = pytest.mark.integration

# The most records that two post-process workers have open in one turn: a batch each in hand, and
# those that they sent and did not commit (a second's work).
OPEN = 48
MOVED = 40  # records: some for each partition


@pytest.mark.slow
def test_groups_make_progress_in_a_rebalance_storm(
    deployment: Deployment, chance: random.Random
) -> None:
    storm(deployment, chance, joins=2, requests=140)


@pytest.mark.slow
def test_records_that_a_fetch_returns_while_partitions_move_are_read_again(
    deployment: Deployment,
) -> None:
    """Nothing is committed of their partitions, so no seek to what is committed reads them."""
    first = deployment.start_postprocess("held_assignment")
    first.wait_for_log("fetching")
    second = deployment.start_postprocess()
    eventually(lambda: first.log.count("moving") == 2, what="partitions that move")
    send(deployment.test_settings, AUDIO, sounds(range(MOVED)))
    deployment.wait_for_results(MOVED, timeout=60)
    eventually(lambda: not deployment.lag("postprocess"), what="all of it committed")
    second.shut_down()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_groups_make_progress_in_a_long_rebalance_storm(
    deployment: Deployment, chance: random.Random
) -> None:
    storm(deployment, chance, joins=40, requests=4000)


def storm(deployment: Deployment, chance: random.Random, joins: int, requests: int) -> None:
    """In each turn a second worker of each stage joins, and one of the two leaves.

    It leaves by SIGTERM or by kill -9. The older one, which is at work, leaves at least once.
    """
    deployment.submit(requests)

    def start_paced() -> Worker:  # it has work all the time
        return deployment.start_gpu_consumer("paced_engine", SEEDCAST_GPU_VOICE_LOCK="off")

    start = {"gpu-consumer": start_paced, "postprocess": deployment.start_postprocess}
    members = {kind: [start[kind]()] for kind in GROUPS}
    older_leaves = {
        kind: chance.sample([True, *chance.choices([True, False], k=joins - 1)], joins)
        for kind in GROUPS
    }
    for turn in range(joins):
        # Faust rebalances eagerly: a worker hands back what is in hand, and it is done again.
        deployment.allow_repeats("postprocess")
        for kind, pair in members.items():
            pair.append(start[kind]())
        for kind, pair in members.items():
            pair[-1].wait_for_log('"assigned"')
            deployment.allow_repeats("postprocess")
            leaver = pair.pop(0 if older_leaves[kind][turn] else 1)
            if chance.random() < 0.5:
                deployment.kill(leaver)
            else:
                leaver.shut_down()
            with deployment.recovery(f"{kind}: one joined, one left", kind):
                pass
    # A worker that is not paced does the rest.
    (paced,) = members["gpu-consumer"]
    paced.shut_down()
    deployment.start_gpu_consumer()
    deployment.wait_for_completion(requests, timeout=600)
    deployment.assert_invariants(requests)
    assert deployment.repeats["results"] <= joins * OPEN
