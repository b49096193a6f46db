"""Memory with a long backlog: `python -m benchmarks.backlog [--backlog 100000] [--limits 1 0]`.

It measures `seedcast submit` and `seedcast run feeder --once` with lists of different length, and a
GPU consumer (espeak) with a backlog on its topic and no post-process worker. With a limit of 1 MiB
of audio, which nobody takes, the consumer is held back; with limit 0 there is none, and it speaks
all the while. Everything runs on the embedded stack, on this machine. Figures go to
benchmarks/results/backlog.json.
"""

import argparse
import json
import shlex
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.local_stack import (
    machine,
    read_metrics,
    running_stack,
    start_measured_worker,
    write_list,
)
from benchmarks.night.deployments import deployment, environment
from benchmarks.night.memory import Watched, mib, watch
from seedcast.embedded import Stack
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file
from seedcast.settings import Settings

OUT = Path(__file__).parent / "results" / "backlog.json"
FEED = ["run", "feeder", "--once"]
START_TIMEOUT = 60.0  # seconds for a worker to be ready
INTERVAL = 0.5  # seconds between two samples


@dataclass(frozen=True)
class Passed:
    """One list, and the command that has dealt with it."""

    command: str  # submit, or feed
    rows: int
    rows_per_second: float  # the interpreter's start included
    resident_mib: dict[str, float]  # at 10, 50 and 100 % of the seconds, and at most


@dataclass(frozen=True)
class Held:
    backlog: int  # requests on the topic when the consumer started
    limit_mib: int  # SEEDCAST_GPU_BACKLOG; 0: none
    held_back: bool  # at the end
    spoken: int  # requests whose audio the broker has at the end
    waiting: int  # requests that it has read and not begun at the end
    resident_mib: dict[str, float]  # when it was ready, after each minute, and at most


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="*", default=[50_000, 500_000])
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--minutes", type=int, default=3)
    parser.add_argument("--limits", type=int, nargs="*", default=[1, 0], help="MiB")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args(argv)
    with running_stack() as (stack, settings):
        passed = [run for rows in arguments.rows for run in _pass_on(settings, rows)]
        held = [
            _hold(stack, settings, arguments.backlog, limit, arguments.minutes)
            for limit in arguments.limits
        ]
    command = ["python", "-m", "benchmarks.backlog", *(sys.argv[1:] if argv is None else argv)]
    report = {
        "command": shlex.join(command),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "list": [asdict(run) for run in passed],
        "gpu_consumer": [asdict(run) for run in held],
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def _pass_on(settings: Settings, rows: int) -> Iterator[Passed]:
    """Submit a CSV file and feed it. Raises RuntimeError if a row is rejected."""
    file = settings.home / f"{rows}.csv"
    write_list(file, rows)
    own = deployment(settings, f"rows-{rows}")
    submit = ["submit", str(file), "--campaign", "list", "--id-column", "id", "--json"]
    for name, command in (("submit", submit), ("feed", FEED)):
        done = _run(own, command)
        yield Passed(name, rows, round(rows / done.seconds), done.mib)


def _run(settings: Settings, command: Sequence[str]) -> Watched:
    done = watch(settings, command)
    if done.exit_code:
        raise RuntimeError(f"seedcast {command[0]} ended with {done.exit_code}: {done.stderr}")
    return done


def _hold(stack: Stack, settings: Settings, backlog: int, limit: int, minutes: int) -> Held:
    own = deployment(settings, f"limit-{limit}")
    file = settings.home / "backlog.csv"
    write_list(file, backlog)
    submit_file(own, file, SubmitOptions(campaign=f"limit-{limit}", id_column="id"))
    _run(own, FEED)
    with _consumer(stack, own, limit) as (process, port):
        resident = _watch(process, minutes)
        totals = _totals(port)
    return Held(
        backlog=backlog,
        limit_mib=limit,
        held_back=totals["seedcast_bulk_held_back"] == 1,
        spoken=int(totals.get("seedcast_requests_finished_total", 0)),
        waiting=int(totals["seedcast_requests_waiting"]),
        resident_mib=resident,
    )


@contextmanager
def _consumer(stack: Stack, settings: Settings, limit: int) -> Iterator[tuple[psutil.Process, int]]:
    """Run a GPU consumer. Yields its process and the port of its metrics once it is ready."""
    variables = environment(settings) | {"SEEDCAST_GPU_BACKLOG": str(limit)}
    worker, port = start_measured_worker(stack, "gpu-consumer", variables)
    try:
        process = psutil.Process(worker.pid)
        timeout = time.monotonic() + START_TIMEOUT
        while not _ready(port):
            if not _runs_after(process, INTERVAL) or time.monotonic() > timeout:
                raise RuntimeError(f"the GPU consumer is not ready: {worker.last_lines()}")
        yield process, port
    finally:
        stack.stop(["gpu-consumer"])


def _watch(process: psutil.Process, minutes: int) -> dict[str, float]:
    """Return resident MiB after each minute. Raises RuntimeError if the process ends meanwhile."""
    began, size = time.monotonic(), process.memory_info().rss
    marks, peak = {"ready": mib(size)}, size
    for minute in range(1, minutes + 1):
        while time.monotonic() < began + 60 * minute:
            if not _runs_after(process, INTERVAL):
                raise RuntimeError("the GPU consumer has ended")
            peak = max(peak, size := process.memory_info().rss)
        marks[f"{minute} min"] = mib(size)
    return {**marks, "peak": mib(peak)}


def _runs_after(process: psutil.Process, seconds: float) -> bool:
    """Wait that long; False if the process ends before."""
    try:
        process.wait(seconds)
    except psutil.TimeoutExpired:
        return True
    return False


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:  # nobody listens yet, or 503
        return False


def _totals(port: int) -> dict[str, float]:
    """Return metrics by name, summed over their labels."""
    totals = defaultdict[str, float](float)
    for (name, _), value in read_metrics(port).items():
        totals[name] += value
    return dict(totals)


if __name__ == "__main__":
    main()
