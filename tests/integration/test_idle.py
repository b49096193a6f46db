"""What a stack costs while nobody gives it work."""

import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from seedcast.embedded import Stack
from tests.builders.waiting import eventually
from tests.conftest import running

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SECONDS = 60.0
SETTLE = 12  # seconds: a start goes on a little after it: compilers, first heartbeats
# Percent of a core, in CPU time. Measured: 0.3 to 0.8 each, and 0.4 for the broker per worker,
# which sends it 3 or 4 requests per second.
MOST_OF_A_WORKER = 1.0
MOST_OF_THE_BROKER = 1.7  # more than without clients
STARTED = {
    "feeder": '"event": "feeder_active"',
    "gpu-consumer": '"event": "ready"',
    "postprocess": '"event": "assigned"',
    "indexer": '"event": "indexer_active"',
}


def spent(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def shares(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the percentage of a core that each process takes from now on."""
    time.sleep(SETTLE)
    processes = {name: psutil.Process(pid) for name, pid in pids.items()}
    before = {name: spent(process) for name, process in processes.items()}
    begin = time.monotonic()
    time.sleep(SECONDS)
    seconds = time.monotonic() - begin
    return {n: 100 * (spent(p) - before[n]) / seconds for n, p in processes.items()}


def start_workers(stack: Stack) -> dict[str, int]:
    workers = {kind: stack.start_worker(kind, ["run", kind]) for kind in STARTED}
    for kind, worker in workers.items():
        eventually(lambda k=kind, w=worker: STARTED[k] in w.log.read_text(), timeout=120)
    return {kind: worker.pid for kind, worker in workers.items()}


def test_an_idle_stack_takes_hardly_any_cpu(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        broker = {"kafka": next(p.pid for p in stack.status() if p.name == "kafka")}
        alone = shares(broker)
        taken = shares(broker | start_workers(stack))
        more = taken.pop("kafka") - alone["kafka"]
        assert {kind: share for kind, share in taken.items() if share > MOST_OF_A_WORKER} == {}
        assert more <= MOST_OF_THE_BROKER, f"{alone['kafka']:.2f} % without clients"
