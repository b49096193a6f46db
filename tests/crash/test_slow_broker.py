"""A broker that accepts hardly anything for a while.

The GPU consumer speaks no more than its producer can hold, stays alive, and obeys SIGTERM.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from seedcast.embedded import Stack
from seedcast.settings import Settings
from tests.builders.deployments import fresh
from tests.crash.deployment import Deployment

pytestmark = pytest.mark.integration

REQUESTS = 1500  # twice what the producer can hold
DRAIN = 5.0  # seconds
WATCHDOG = 6.0  # seconds
LEAVING = 15.0  # seconds to leave the group, on a busy machine


def set_quota(stack: Stack, settings: Settings, change: str) -> None:
    """Change the quota of every client with Kafka's own tool."""
    broker = next(process.pid for process in stack.status() if process.name == "kafka")
    tool = [
        *psutil.Process(broker).cmdline()[:-2],
        "kafka.admin.ConfigCommand",
        "--bootstrap-server",
        settings.kafka.bootstrap,
    ]
    subprocess.run(
        [*tool, "--alter", "--entity-type", "clients", "--entity-default", *change.split()],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def settings(stoppable_stack: Stack) -> Settings:
    return fresh(stoppable_stack)


@pytest.fixture
def lift_quota(stoppable_stack: Stack, deployment: Deployment) -> Iterator[Callable[[], None]]:
    """A function that lifts the quota; the end of the test calls it, too."""

    def lift() -> None:
        set_quota(
            stoppable_stack, deployment.test_settings, "--add-config producer_byte_rate=1000000000"
        )

    try:
        yield lift
    finally:
        lift()


@pytest.mark.slow
def test_a_worker_stays_alive_and_obeys_sigterm_while_the_broker_accepts_hardly_anything(
    deployment: Deployment, stoppable_stack: Stack, lift_quota: Callable[[], None]
) -> None:
    deployment.submit(REQUESTS)
    set_quota(stoppable_stack, deployment.test_settings, "--add-config producer_byte_rate=1000")
    worker = deployment.start_gpu_consumer(
        SEEDCAST_GPU_DRAIN=str(DRAIN), SEEDCAST_GPU_WATCHDOG=str(WATCHDOG)
    )
    worker.wait_for_log('"broker_behind"')
    with pytest.raises(subprocess.TimeoutExpired):  # its loop runs: else the watchdog would end it
        worker.process.wait(2 * WATCHDOG)
    deployment.allow_repeats("gpu-consumer")
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.process.wait(60) == 0, worker.log[-2000:]
    assert time.monotonic() - began < DRAIN + LEAVING
    lift_quota()
    with deployment.recovery("slow broker"):
        workers = [deployment.start_gpu_consumer(), deployment.start_postprocess()]
    deployment.wait_for_completion(REQUESTS)
    deployment.assert_invariants(REQUESTS)
    for worker in workers:
        worker.shut_down()
