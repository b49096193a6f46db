"""SIGTERM to a worker whose engine needs longer than SEEDCAST_GPU_DRAIN: it leaves in time, and what it leaves behind is spoken elsewhere."""

import json
import re
import signal
import time

import pytest

from schemas.topics import AUDIO
from tests.conftest import eventually
from tests.crash.mutant import STEP
from tests.crash.night import Night, Worker

pytestmark = pytest.mark.integration

SLOTS = 8
REQUESTS = 3 * SLOTS
DRAIN = 3 * STEP  # seconds: less than half of what full slots need
PARTING = 15.0  # seconds for commits and for leaving, on a busy machine


def said(worker: Worker, event: str) -> dict[str, object]:
    lines = [
        json.loads(line)
        for line in worker.log.read_text().splitlines()
        if re.match(r"\{.*\}$", line)
    ]
    (found,) = [line for line in lines if line.get("event") == event]
    return found


def test_an_engine_that_cannot_finish_in_time_leaves_the_rest_to_another_worker(
    night: Night,
) -> None:
    night.submit(REQUESTS)
    slow = night.gpu(
        "slow_engine",
        SEEDCAST_GPU_DRAIN=str(DRAIN),
        SEEDCAST_GPU_SLOTS=str(SLOTS),
        SEEDCAST_GPU_VOICE_LOCK="off",
    )
    eventually(lambda: len(night.topic(AUDIO)) >= 2, what="the first of it")
    began = time.monotonic()
    slow.send(signal.SIGTERM)
    assert slow.process.wait(60) == 0, slow.said[-2000:]
    assert DRAIN <= time.monotonic() - began < DRAIN + 2 * STEP + PARTING
    unfinished, spoken = said(slow, "drain_incomplete")["unfinished"], len(night.topic(AUDIO))
    assert isinstance(unfinished, int)
    assert 0 < unfinished < SLOTS
    assert night.done("gpu-consumer") == spoken <= REQUESTS - unfinished
    with night.recovery("drained in part"):
        workers = [night.gpu(), night.post()]
    night.completes(REQUESTS)
    night.holds(REQUESTS)
    assert night.repeats["audio"] == 0, "what had come out of a slot came again"
    for worker in workers:
        worker.finishes()
