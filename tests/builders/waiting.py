"""Wait for conditions, and for processes that stop themselves at a failpoint."""

import json
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import psutil
import pytest
from confluent_kafka import KafkaException

from seedcast.embedded.stack_state import HOST
from seedcast.errors import Retryable
from tests.builders.processes import ForkedProcess


def eventually(
    holds: Callable[[], object], timeout: float = 180.0, what: str = "the condition"
) -> None:
    """Poll `holds` until it returns a true value; fail the test after `timeout` seconds.

    A broker that is too busy to answer is asked again. `what` names the condition.
    """
    deadline, problem = time.monotonic() + timeout, ""
    while True:
        try:
            if holds():
                return
        except (Retryable, KafkaException) as error:
            problem = f": {error}"
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come true within {timeout:g} s{problem}")
        time.sleep(0.05)


def wait_until_stopped(process: ForkedProcess) -> None:
    """Wait until it has stopped itself at its failpoint.

    There it is in the middle of its work, however fast or slow the machine is.
    """
    eventually(
        lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED,
        what="the worker to stop at its failpoint",
    )


def terminate(process: ForkedProcess) -> int:
    """Send SIGTERM and return the exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=90)


def terminate_at_failpoint(process: ForkedProcess) -> int:
    """Send SIGTERM to a process that its failpoint has stopped; return its exit code.

    It receives the signal when SIGCONT lets it run again.
    """
    wait_until_stopped(process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    return process.wait(timeout=90)


def missing(metrics_port: int) -> list[str] | None:
    """Return what the readiness of a worker lacks; None while nothing answers."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{metrics_port}/ready") as answer:
            return list(json.load(answer)["missing"])
    except urllib.error.HTTPError as answer:
        return list(json.load(answer)["missing"])
    except OSError:
        return None
