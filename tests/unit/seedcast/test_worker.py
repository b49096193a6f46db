"""Signals at the start of a worker: none is lost, whatever the process is doing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from seedcast import worker

IN_A_CALLBACK = """
import ctypes, os, signal
from seedcast import worker

worker.exit_on_signals()
callback = ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), signal.{name}))
callback()
print("still running")
"""


@pytest.fixture(autouse=True)
def _restore_signals() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in worker.SIGNALS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", worker.SIGNALS)
def test_a_signal_inside_a_callback_from_c_ends_a_starting_worker(number: signal.Signals) -> None:
    """An exception raised there would be printed and lost."""
    script = IN_A_CALLBACK.format(name=number.name)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("number", worker.SIGNALS)
def test_once_work_may_be_in_hand_a_signal_only_asks_to_stop(number: signal.Signals) -> None:
    stops: list[int] = []
    worker.on_stop(lambda: stops.append(1))
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    assert stops == [1, 1]
