"""kill -9 at every edge between reading a record and committing its offset.

One worker after another dies in the same deployment, in both stages at once.
"""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from seedcast.failpoints import VARIABLE
from tests.crash.deployment import GROUPS, Deployment
from tests.crash.worker_process import Worker

pytestmark = pytest.mark.integration

REQUESTS = 160
PACED = 240  # requests: more than a paced engine speaks before the last fault
SOON = 15  # the most requests that are finished before the next fault
PASSAGES = 30  # the last passage at which to die; all victims together leave something to do
# The last passage at edges that not every request passes.
RARE = {"gpu.assigned": 1, "gpu.commit": 2, "gpu.committed": 2}


def failpoints(chance: random.Random, edges: tuple[str, ...]) -> list[str]:
    """Draw where each victim dies, as SEEDCAST_FAILPOINT takes it."""
    return [f"{edge}:{chance.randint(1, RARE.get(edge, PASSAGES))}" for edge in edges]


def crash_in_turn(deployment: Deployment, kind: str, ends: list[str]) -> Worker:
    """Let one worker after another die at its failpoint; return their successor, at work."""
    worker = deployment.start_worker(kind, **{VARIABLE: ends[0]})
    for end, following in zip(ends, [*ends[1:], ""], strict=True):
        deployment.wait_for_crash(worker)
        with deployment.recovery(f"killed at {end}", kind) as successors:
            worker = deployment.start_worker(kind, **{VARIABLE: following})
            successors.append(worker)
    worker.wait_for_log('"assigned"')
    return worker


@pytest.mark.parametrize(
    ("gpu", "post"),
    [
        pytest.param(
            ("gpu.polled", "gpu.synthesised", "gpu.sent"),
            ("postprocess.rendered", "postprocess.stored"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ("gpu.commit", "gpu.committed", "gpu.assigned"),
            ("postprocess.acknowledged",),
            marks=pytest.mark.slow,
        ),
        (("gpu.acknowledged",), ("postprocess.sent",)),
    ],
    ids=["before the broker has it", "after", "just then"],
)
def test_workers_killed_at_their_edges_lose_nothing_and_repeat_only_unfinished_work(
    deployment: Deployment, chance: random.Random, gpu: tuple[str, ...], post: tuple[str, ...]
) -> None:
    deployment.submit(REQUESTS)
    # Drawn here, because the order of draws in two threads would not repeat.
    ends = [failpoints(chance, gpu), failpoints(chance, post)]
    with ThreadPoolExecutor(2) as stages:
        successors = stages.map(
            lambda kind, stage_ends: crash_in_turn(deployment, kind, stage_ends), GROUPS, ends
        )
        workers = list(successors)
    deployment.wait_for_completion(REQUESTS)
    deployment.assert_invariants(REQUESTS)
    for worker in workers:
        worker.shut_down()


@pytest.mark.slow
def test_a_gpu_consumer_killed_while_partitions_move_loses_nothing(deployment: Deployment) -> None:
    deployment.submit(REQUESTS)
    deployment.start_postprocess()
    leaving = deployment.start_gpu_consumer(**{VARIABLE: "gpu.revoked:1"})
    leaving.wait_for_log('"assigned"')
    joining = deployment.start_gpu_consumer()
    deployment.wait_for_crash(leaving)
    with deployment.recovery("killed at gpu.revoked"):
        joining.wait_for_log('"assigned"')
    deployment.wait_for_completion(REQUESTS)
    deployment.assert_invariants(REQUESTS)
    joining.shut_down()


@pytest.mark.slow
def test_workers_killed_or_terminated_at_any_moment_lose_nothing(
    deployment: Deployment, chance: random.Random
) -> None:
    """Only what a kill left unfinished may be repeated: SIGTERM leaves nothing unfinished.

    The engine is paced, so that it has work in hand at each fault.
    """
    deployment.submit(PACED)

    def start_paced() -> Worker:
        return deployment.start_gpu_consumer("paced_engine", SEEDCAST_GPU_VOICE_LOCK="off")

    start = {"gpu-consumer": start_paced, "postprocess": deployment.start_postprocess}
    workers = {kind: start[kind]() for kind in GROUPS}
    kinds = [*GROUPS, chance.choice(list(GROUPS))]
    for kind in chance.sample(kinds, len(kinds)):
        deployment.wait_for_commits(kind, deployment.offsets_done(kind) + chance.randint(1, SOON))
        deployment.kill(workers[kind])
        with deployment.recovery(f"{kind} killed", kind):
            workers[kind] = start[kind]()
    assert deployment.lag("gpu-consumer"), "nothing is left to leave behind"
    # Post-processing first: it needs audio that still comes, while requests wait for the consumer.
    for kind in ("postprocess", "gpu-consumer"):
        deployment.wait_for_commits(kind, deployment.offsets_done(kind) + chance.randint(1, SOON))
        workers[kind].shut_down()
    with (
        deployment.recovery("postprocess told to leave", "postprocess"),
        deployment.recovery("gpu-consumer told to leave"),
    ):
        last = [deployment.start_worker(kind) for kind in GROUPS]
    deployment.wait_for_completion(PACED)
    deployment.assert_invariants(PACED)
    for worker in last:
        worker.shut_down()
