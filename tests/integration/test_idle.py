"""What a stack costs while nobody gives it work."""

import time
from pathlib import Path

import psutil
import pytest

from tests.builders.waiting import eventually
from tests.conftest import running

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SECONDS = 20.0
MOST = 0.02  # of a core; measured: 0.007 and 0.010, with other work on the machine
STARTED = {"gpu-consumer": '"event": "ready"', "postprocess": '"event": "assigned"'}


def spent(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def test_idle_workers_take_hardly_any_cpu(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        workers = {kind: stack.start_worker(kind, ["run", kind]) for kind in STARTED}
        for kind, worker in workers.items():
            eventually(lambda k=kind, w=worker: STARTED[k] in w.log.read_text(), timeout=120)
        time.sleep(10)  # a start goes on a little after that: compilers, first heartbeats
        processes = {kind: psutil.Process(worker.pid) for kind, worker in workers.items()}
        before = {kind: spent(process) for kind, process in processes.items()}
        time.sleep(SECONDS)
        shares = {k: (spent(p) - before[k]) / SECONDS for k, p in processes.items()}
        assert {kind: share for kind, share in shares.items() if share > MOST} == {}
