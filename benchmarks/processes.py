"""What the processes of an embedded stack take: CPU, resident memory, and the broker's disk."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.night.memory import PERCENTS, mib
from seedcast.embedded import Process, Stack
from seedcast.settings import Settings

THIS = "benchmark"  # the process that submits and follows the results
INTERVAL = 1.0  # seconds between two samples
SHOWN = 60  # samples from one that is printed to the next: what a night leaves if it is ended early
KEPT = 40  # samples in a report


def cpu_seconds(stack: Stack) -> dict[str, float]:
    """Return seconds of user and system, by process, since each began."""
    return {name: sum(map(_spent, processes)) for name, processes in _processes(stack)}


def broker_mib(home: Path, settings: Settings) -> dict[str, float]:
    """Return MiB on the broker's disk, by topic; Kafka's own topics are one."""
    sizes = Counter[str]()
    prefix = f"{settings.kafka.prefix}."
    for file in (home / "kafka" / "data").glob("*-*/*"):
        topic = file.parent.name.rpartition("-")[0]
        with suppress(FileNotFoundError):  # the broker may have compacted the topic meanwhile
            sizes[topic if topic.startswith(prefix) else "others"] += file.stat().st_blocks * 512
    return {topic: mib(size) for topic, size in sorted(sizes.items()) if size}


class Memory:
    """Samples the resident memory of every process while requests are finished."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._due, self._began = stack, 0.0, time.monotonic()
        self._samples: list[tuple[float, int, dict[str, int]]] = []  # the last: bytes

    def sample(self, finished: int) -> None:
        """Take a sample if one is due."""
        if (now := time.monotonic()) >= self._due:
            self._due = now + INTERVAL
            resident = {
                name: sum(each.memory_info().rss for each in processes)
                for name, processes in _processes(self._stack)
            }
            self._samples.append((now - self._began, finished, resident))
            if len(self._samples) % SHOWN == 0:
                sizes = ", ".join(f"{name} {mib(size)}" for name, size in resident.items())
                print(f"{now - self._began:.0f} s: {finished:,} finished; MiB {sizes}", flush=True)

    def mib(self) -> dict[str, dict[str, float]]:
        """Return resident MiB by process: at PERCENTS of the requests, and at the peak."""
        at = {f"at {percent} %": self._at(percent / 100) for percent in PERCENTS}
        peak = {
            name: max(resident.get(name, 0) for *_, resident in self._samples)
            for name in self._samples[-1][2]
        }
        return {
            name: {when: mib(sizes.get(name, 0)) for when, sizes in at.items()}
            | {"peak": mib(peak[name])}
            for name in peak
        }

    def over_time(self) -> list[dict[str, float]]:
        """Return up to KEPT samples at equal intervals: seconds, finished requests, MiB."""
        step = -(-len(self._samples) // KEPT)
        return [
            {"seconds": round(seconds), "finished": finished}
            | {name: mib(size) for name, size in resident.items()}
            for seconds, finished, resident in self._samples[::step]
        ]

    def _at(self, share: float) -> dict[str, int]:
        enough = share * self._samples[-1][1]
        return next(resident for _, finished, resident in self._samples if finished >= enough)


def _processes(stack: Stack) -> Iterator[tuple[str, list[psutil.Process]]]:
    """Yield the stack's processes and this one. The worker that runs espeak has it beside it."""
    for process in stack.status():
        yield process.name, _with_children(process)
    yield THIS, [psutil.Process()]


def _with_children(process: Process) -> list[psutil.Process]:
    this = psutil.Process(process.pid)
    return [this, *this.children()]


def _spent(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:4])  # its own and its ended children's, user and system
