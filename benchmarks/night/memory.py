"""Run a process from its start to its end, and sample its resident memory."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psutil

from benchmarks.night.deployments import environment
from seedcast.settings import Settings

INTERVAL = 0.1  # seconds between two samples
PERCENTS = (10, 50, 100)  # of the seconds that the process ran


@dataclass(frozen=True)
class Watched:
    """A process that has ended."""

    exit_code: int
    seconds: float  # the interpreter's start included
    stdout: str
    stderr: str
    resident: tuple[int, ...]  # bytes, at equal intervals

    @property
    def mib(self) -> dict[str, float]:
        """Resident MiB at PERCENTS of its time, and at the peak."""
        last = len(self.resident) - 1
        sizes = {f"at {percent} %": self.resident[last * percent // 100] for percent in PERCENTS}
        return {name: mib(size) for name, size in {**sizes, "peak": max(self.resident)}.items()}


def mib(size: int) -> float:
    """Return bytes as MiB, to one decimal."""
    return round(size / 2**20, 1)


def watch(settings: Settings, arguments: Sequence[str]) -> Watched:
    """Run `seedcast ARGUMENTS` on the deployment of these settings until it ends."""
    command = [sys.executable, "-m", "seedcast.cli", *arguments]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        child = subprocess.Popen(
            command, env=environment(settings), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        try:
            resident = tuple(_samples(child))
        finally:
            child.kill()  # does nothing if it has ended
        seconds = time.perf_counter() - began
        for file in (out, err):
            file.seek(0)
        return Watched(child.wait(), seconds, out.read(), err.read(), resident)


def _samples(child: subprocess.Popen[bytes]) -> Iterator[int]:
    """Yield its resident bytes until it ends.

    Its process id cannot be reused meanwhile, since its exit code is collected only here.
    """
    process = psutil.Process(child.pid)
    while True:
        if size := process.memory_info().rss:  # 0: it has just ended
            yield size
        try:
            child.wait(INTERVAL)
            return
        except subprocess.TimeoutExpired:
            continue
