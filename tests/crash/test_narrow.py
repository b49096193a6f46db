"""A broker that takes hardly anything for a while: the GPU consumer speaks no more than fits, stays alive, and obeys SIGTERM."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from seedcast.embedded import Stack
from seedcast.settings import Settings
from tests.crash.night import Night

pytestmark = pytest.mark.integration

REQUESTS = 1500  # twice what fits
DRAIN = 5.0  # seconds
WATCHDOG = 6.0  # seconds
PARTING = 15.0  # seconds for leaving, on a busy machine


def quota(stack: Stack, settings: Settings, change: str) -> None:
    """Of every client, by Kafka's own tool."""
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
def widen(stack: Stack, night: Night) -> Iterator[Callable[[], None]]:
    """Ends the quota; at the end of the test, too."""

    def no_quota() -> None:
        quota(stack, night.seen, "--add-config producer_byte_rate=1000000000")

    try:
        yield no_quota
    finally:
        no_quota()


@pytest.mark.slow
def test_a_broker_that_takes_hardly_anything_keeps_the_worker_neither_from_living_nor_from_leaving(
    night: Night, stack: Stack, widen: Callable[[], None]
) -> None:
    night.submit(REQUESTS)
    quota(stack, night.seen, "--add-config producer_byte_rate=1000")
    worker = night.gpu(SEEDCAST_GPU_DRAIN=str(DRAIN), SEEDCAST_GPU_WATCHDOG=str(WATCHDOG))
    worker.says('"broker_behind"')
    with pytest.raises(subprocess.TimeoutExpired):  # its loop turns: else the watchdog would end it
        worker.process.wait(2 * WATCHDOG)
    night.mark("gpu-consumer")
    began = time.monotonic()
    worker.send(signal.SIGTERM)
    assert worker.process.wait(60) == 0, worker.said[-2000:]
    assert time.monotonic() - began < DRAIN + PARTING
    widen()
    with night.recovery("narrow broker"):
        workers = [night.gpu(), night.post()]
    night.completes(REQUESTS)
    night.holds(REQUESTS)
    for worker in workers:
        worker.finishes()
