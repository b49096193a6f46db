"""The matrix can go red: each scenario passes with sound workers and fails with a mutant.

A mutant is a worker whose protocol is broken on purpose (tests/crash/mutant).
"""

import pytest

from seedcast.failpoints import VARIABLE
from seedcast.gpu_consumers.audio_backlog import count_uncommitted
from seedcast.kafka import GroupOffsets
from tests.builders.waiting import eventually
from tests.crash.deployment import GROUPS, SOURCES, Deployment

pytestmark = [pytest.mark.integration, pytest.mark.slow]

REQUESTS = 60
# Audio waits in the producer; commits do not wait.
LINGERING = {
    "SEEDCAST_KAFKA_OPTIONS": '{"linger.ms": "60000"}',
    "SEEDCAST_GPU_COMMIT_INTERVAL": "0.01",
}


def killed_with_one_unfinished(deployment: Deployment, *broken: str) -> None:
    """Kill a consumer when all but its oldest request is done; its successor must know which."""
    deployment.submit(REQUESTS)
    first = deployment.start_gpu_consumer("held_slot")
    deployment.wait_for_commits("gpu-consumer", REQUESTS - 1)
    deployment.kill(first)
    deployment.start_gpu_consumer(*broken)
    deployment.start_postprocess()
    deployment.wait_for_results(REQUESTS)


def killed_before_delivery(deployment: Deployment, *broken: str) -> None:
    """Kill a consumer while audio waits in its producer."""
    deployment.submit(REQUESTS)
    first = deployment.start_gpu_consumer(*broken, **LINGERING, **{VARIABLE: "gpu.sent:30"})
    deployment.wait_for_crash(first)
    deployment.start_gpu_consumer()
    deployment.start_postprocess()


def killed_before_storing(deployment: Deployment, *broken: str) -> None:
    """Kill a post-process worker while one object waits to be stored.

    With two instances of its agent, all records behind that one are done by then.
    """
    deployment.submit(REQUESTS)
    deployment.start_gpu_consumer()
    deployment.wait_for_commits("gpu-consumer", REQUESTS)
    small = {"SEEDCAST_POSTPROCESS_BATCH": "4"}  # the held batch is a part of one partition
    first = deployment.start_postprocess("held_object", *broken, **small)
    first.wait_for_log("held")
    if broken:
        deployment.wait_for_commits("postprocess", REQUESTS)
    deployment.kill(first)
    deployment.start_postprocess()


def killed_at_the_beginning(deployment: Deployment, *broken: str) -> None:
    """Kill a consumer with most of the list to do: only what it had sent may come again."""
    deployment.submit(REQUESTS)
    deployment.wait_for_crash(deployment.start_gpu_consumer(**{VARIABLE: "gpu.acknowledged:5"}))
    deployment.start_gpu_consumer(*broken)
    deployment.start_postprocess()
    deployment.wait_for_results(REQUESTS)


# By change of the mutant: the scenario, and the failure that the change must cause.
SCENARIOS = {
    "no_bitmap": (killed_with_one_unfinished, "was spoken 2 times, expected at most 1"),
    "commit_first": (
        killed_before_delivery,
        "a request whose offset is committed has neither audio nor a result",
    ),
    "twice": (killed_at_the_beginning, r"was spoken \d times, expected at most \d"),
    "concurrency_2": (
        killed_before_storing,
        "a request whose audio's offset is committed has no result",
    ),
}


def all_read(deployment: Deployment) -> bool:
    """Return True if neither stage has anything left to read: requests first, then audio."""
    settings, offsets = deployment.test_settings, GroupOffsets(deployment.test_settings)
    return not any(
        count_uncommitted(offsets, settings.group(group), settings.topic(SOURCES[kind]), 0).records
        for kind, group in GROUPS.items()
    )


@pytest.mark.parametrize("mutation", SCENARIOS)
def test_a_scenario_passes_with_sound_workers(deployment: Deployment, mutation: str) -> None:
    run, _ = SCENARIOS[mutation]
    run(deployment)
    deployment.wait_for_completion(REQUESTS)
    deployment.assert_invariants(REQUESTS)


@pytest.mark.parametrize("mutation", SCENARIOS)
def test_a_scenario_fails_with_a_broken_worker(deployment: Deployment, mutation: str) -> None:
    run, failure = SCENARIOS[mutation]
    run(deployment, mutation)
    eventually(lambda: all_read(deployment), what="nothing left to read")
    with pytest.raises(AssertionError, match=failure):
        deployment.assert_invariants(REQUESTS)
