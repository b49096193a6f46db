"""SIGTERM to a worker whose engine needs longer than SEEDCAST_GPU_DRAIN.

The worker exits in time, and another worker speaks what it leaves unfinished.
"""

import json
import re
import signal
import time

import pytest

from seedcast.schemas.topics import AUDIO
from tests.builders.waiting import eventually
from tests.crash.deployment import Deployment
from tests.crash.mutant import STEP
from tests.crash.worker_process import Worker

pytestmark = pytest.mark.integration

SLOTS = 8
REQUESTS = 3 * SLOTS
DRAIN = 3 * STEP  # seconds: less than half of what full slots need
LEAVING = 15.0  # seconds to commit and to leave the group, on a busy machine


def logged(worker: Worker, event: str) -> dict[str, object]:
    """Return the fields of the one log line with this event."""
    lines = worker.log_file.read_text().splitlines()
    entries = [json.loads(line) for line in lines if re.match(r"\{.*\}$", line)]
    (entry,) = [entry for entry in entries if entry.get("event") == event]
    return entry


@pytest.mark.slow
def test_a_worker_whose_engine_cannot_finish_in_time_leaves_the_rest_to_another(
    deployment: Deployment,
) -> None:
    deployment.submit(REQUESTS)
    slow = deployment.start_gpu_consumer(
        "slow_engine",
        SEEDCAST_GPU_DRAIN=str(DRAIN),
        SEEDCAST_GPU_SLOTS=str(SLOTS),
        SEEDCAST_GPU_VOICE_LOCK="off",
    )
    eventually(lambda: len(deployment.records(AUDIO)) >= 2, what="the first audio")
    began = time.monotonic()
    slow.send_signal(signal.SIGTERM)
    assert slow.process.wait(60) == 0, slow.log[-2000:]
    assert DRAIN <= time.monotonic() - began < DRAIN + 2 * STEP + LEAVING
    unfinished = logged(slow, "drain_incomplete")["unfinished"]
    spoken = len(deployment.records(AUDIO))
    assert isinstance(unfinished, int)
    assert 0 < unfinished < SLOTS
    assert deployment.offsets_done("gpu-consumer") == spoken <= REQUESTS - unfinished
    with deployment.recovery("drained in part"):
        workers = [deployment.start_gpu_consumer(), deployment.start_postprocess()]
    deployment.wait_for_completion(REQUESTS)
    deployment.assert_invariants(REQUESTS)
    assert deployment.repeats["audio"] == 0, "an utterance that had left its slot was repeated"
    for worker in workers:
        worker.shut_down()
