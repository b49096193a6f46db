"""A process from its start to its end, and how much of it was resident on the way."""

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
WAY = (10, 50, 100)  # percent of the seconds that it ran


@dataclass(frozen=True)
class Watched:
    exit_code: int
    seconds: float  # the interpreter's start included
    stdout: str
    stderr: str
    resident: tuple[int, ...]  # bytes, at equal intervals

    @property
    def mib(self) -> dict[str, float]:
        """Resident at parts of the way, and at most."""
        last = len(self.resident) - 1
        parts = {f"at {percent} %": self.resident[last * percent // 100] for percent in WAY}
        return {name: mib(size) for name, size in {**parts, "peak": max(self.resident)}.items()}


def mib(size: int) -> float:
    return round(size / 2**20, 1)


def watch(settings: Settings, arguments: Sequence[str]) -> Watched:
    """`seedcast ARGUMENTS` on the deployment of these settings."""
    command = [sys.executable, "-m", "seedcast.cli", *arguments]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        child = subprocess.Popen(
            command, env=environment(settings), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        try:
            resident = tuple(_samples(child))
        finally:
            child.kill()  # nothing, where it has ended
        seconds = time.perf_counter() - began
        for file in (out, err):
            file.seek(0)
        return Watched(child.wait(), seconds, out.read(), err.read(), resident)


def _samples(child: subprocess.Popen[bytes]) -> Iterator[int]:
    """Until it ends. Its parent has not taken its exit code before that, so its number is nobody else's."""
    process = psutil.Process(child.pid)
    while True:
        if size := process.memory_info().rss:  # 0: it has ended just now
            yield size
        try:
            child.wait(INTERVAL)
            return
        except subprocess.TimeoutExpired:
            continue
