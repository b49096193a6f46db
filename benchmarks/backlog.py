"""Memory while much waits: `python -m benchmarks.backlog [--rows 50000 500000] [--backlog 100000] [--minutes 3] [--limits 1 0]`.

`seedcast submit` of lists of different length, and a GPU consumer (espeak) with a backlog on its topic and nobody behind it: held back,
since its audio is over a limit of 1 MiB that nobody takes, and (limit 0: none) speaking all the while. The embedded stack, on this machine.
Figures go to benchmarks/results/backlog.json.
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

from benchmarks.night.deployments import deployment, environment, running_stack
from benchmarks.night.memory import mib, watch
from benchmarks.pipeline import machine, page, write_list
from producers import SubmitOptions, submit_file
from seedcast.embedded import Stack, connected
from seedcast.embedded.processes import free_ports
from seedcast.settings import Settings

OUT = Path(__file__).parent / "results" / "backlog.json"
START = 60.0  # seconds for a worker to be ready
INTERVAL = 0.5  # seconds between two samples


@dataclass(frozen=True)
class Submitted:
    rows: int
    rows_per_second: float  # the interpreter's start included
    resident_mib: dict[str, float]  # at 10, 50 and 100 % of the seconds, and at most


@dataclass(frozen=True)
class Held:
    backlog: int  # requests on the topic when the consumer started
    limit_mib: int  # SEEDCAST_GPU_BACKLOG; 0: none
    held_back: bool  # whether it was at the end
    spoken: int  # requests whose audio the broker has, at the end
    waiting: int  # requests that it has read and not begun, at the end
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
    given = parser.parse_args(argv)
    with running_stack() as stack:
        settings = connected(Settings(home=stack.home))
        submitted = [_submit(settings, rows) for rows in given.rows]
        held = [
            _hold(stack, settings, given.backlog, limit, given.minutes) for limit in given.limits
        ]
    report = {
        "command": shlex.join(
            ["python", "-m", "benchmarks.backlog", *(sys.argv[1:] if argv is None else argv)]
        ),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "submit": [asdict(run) for run in submitted],
        "gpu_consumer": [asdict(run) for run in held],
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def _submit(settings: Settings, rows: int) -> Submitted:
    """By the command, from CSV. Raises RuntimeError where a row is refused."""
    file = settings.home / f"{rows}.csv"
    write_list(file, rows)
    done = watch(
        deployment(settings, f"rows-{rows}"),
        ["submit", str(file), "--campaign", "list", "--id-column", "id", "--json"],
    )
    if done.exit_code:
        raise RuntimeError(f"seedcast submit ended with {done.exit_code}: {done.stderr}")
    return Submitted(rows, round(rows / done.seconds), done.mib)


def _hold(stack: Stack, settings: Settings, backlog: int, limit: int, minutes: int) -> Held:
    own = deployment(settings, f"limit-{limit}")
    write_list(settings.home / "backlog.csv", backlog)
    submit_file(
        own, settings.home / "backlog.csv", SubmitOptions(campaign=f"limit-{limit}", id_column="id")
    )
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
    """From when it is ready; its process and the port of its metrics."""
    (port,) = free_ports(0)
    own = environment(settings) | {
        "SEEDCAST_GPU_BACKLOG": str(limit),
        "SEEDCAST_METRICS_PORT": str(port),
    }
    started = stack.start_worker("gpu-consumer", ["run", "gpu-consumer"], own)
    try:
        process = psutil.Process(started.pid)
        patience = time.monotonic() + START
        while not _ready(port):
            if not _lasts(process, INTERVAL) or time.monotonic() > patience:
                raise RuntimeError(f"the GPU consumer is not ready: {started.last_lines()}")
        yield process, port
    finally:
        stack.stop(["gpu-consumer"])


def _watch(process: psutil.Process, minutes: int) -> dict[str, float]:
    """MiB. Raises RuntimeError where it ends meanwhile."""
    began, size = time.monotonic(), process.memory_info().rss
    marks, peak = {"ready": mib(size)}, size
    for minute in range(1, minutes + 1):
        while time.monotonic() < began + 60 * minute:
            if not _lasts(process, INTERVAL):
                raise RuntimeError("the GPU consumer has ended")
            peak = max(peak, size := process.memory_info().rss)
        marks[f"{minute} min"] = mib(size)
    return {**marks, "peak": mib(peak)}


def _lasts(process: psutil.Process, seconds: float) -> bool:
    """Whether it still runs after so long."""
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
    """Metrics by name, summed over labels."""
    totals = defaultdict[str, float](float)
    for (name, _), value in page(port).items():
        totals[name] += value
    return dict(totals)


if __name__ == "__main__":
    main()
