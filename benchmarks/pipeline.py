"""The whole pipeline on one machine: `python -m benchmarks.pipeline [--rows 1000 5000 20000]`.

It runs on one embedded stack with a feeder, one GPU consumer (espeak) and one post-process worker,
with the telephony profile. It measures how fast each list goes from submission to its last
manifest, where the time goes, and whether memory grows. Figures go to
benchmarks/results/pipeline.json.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.local_stack import (
    WORKERS,
    machine,
    read_metrics,
    running_stack,
    start_measured_worker,
    write_list,
)
from seedcast.campaigns.progress import wait
from seedcast.embedded import Process, Stack
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file
from seedcast.settings import Settings
from seedcast.storage.list_ids import ids_reader

RESULTS = Path(__file__).parent / "results" / "pipeline.json"
_STAGE = "seedcast_postprocess_stage_seconds_sum"
PARTS = {  # seconds by the worker's own clock: worker, metric, labels
    "engine": ("gpu-consumer", "seedcast_engine_step_seconds_sum", {}),
    "decode": ("postprocess", _STAGE, {"stage": "decode"}),
    "render": ("postprocess", _STAGE, {"stage": "render"}),
    "encode": ("postprocess", _STAGE, {"stage": "encode"}),
    "store": ("postprocess", _STAGE, {"stage": "store"}),
    "send": ("postprocess", _STAGE, {"stage": "send"}),
}


@dataclass(frozen=True)
class Run:
    rows: int
    submit_rows_per_second: float
    seconds: float  # from the start of the submission to the last manifest
    requests_per_second: float
    audio_seconds_per_second: float
    cpu_seconds: dict[str, float]  # by process
    part_seconds: dict[str, float]  # wall time inside each part
    peak_mib: dict[str, float]  # resident, by process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 5000, 20000])
    arguments = parser.parse_args()
    runs = _measure(arguments.rows)
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "runs": [asdict(run) for run in runs],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")
    _print(runs)


def _measure(sizes: list[int]) -> list[Run]:
    with running_stack() as (stack, settings):
        ports = {kind: start_measured_worker(stack, kind)[1] for kind in WORKERS}
        _run(settings, stack, ports, 50, "warm-up")
        return [_run(settings, stack, ports, size, f"rows-{size}") for size in sizes]


def _run(settings: Settings, stack: Stack, ports: dict[str, int], size: int, campaign: str) -> Run:
    source = stack.home / f"{campaign}.csv"
    write_list(source, size)
    parts_before, cpu_before = _part_seconds(ports), _cpu_seconds(stack)
    peak: dict[str, float] = {}

    def sample_memory(_: object) -> None:
        for name, mib in _resident_mib(stack).items():
            peak[name] = max(peak.get(name, 0.0), mib)

    began = time.perf_counter()
    options = SubmitOptions(campaign=campaign, id_column="id", profiles=("telephony",))
    report = submit_file(settings, source, options)
    progress = wait(settings, campaign, ids_reader(settings.s3), sample_memory)
    seconds = time.perf_counter() - began
    parts, cpu = _part_seconds(ports), _cpu_seconds(stack)
    return Run(
        rows=size,
        submit_rows_per_second=round(report.rows / report.seconds),
        seconds=round(seconds, 2),
        requests_per_second=round(progress.finished / seconds, 1),
        audio_seconds_per_second=round(progress.audio_seconds / seconds, 1),
        cpu_seconds={name: round(cpu[name] - cpu_before[name], 2) for name in cpu_before},
        part_seconds={name: round(parts[name] - parts_before[name], 2) for name in PARTS},
        peak_mib={name: round(mib) for name, mib in peak.items()},
    )


def _part_seconds(ports: dict[str, int]) -> dict[str, float]:
    metrics = {worker: read_metrics(port) for worker, port in ports.items()}
    return {
        part: metrics[worker].get((metric, tuple(sorted(labels.items()))), 0.0)
        for part, (worker, metric, labels) in PARTS.items()
    }


def _cpu_seconds(stack: Stack) -> dict[str, float]:
    return {process.name: sum(map(_spent, _with_children(process))) for process in stack.status()}


def _spent(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:4])  # its own and its ended children's, user and system


def _resident_mib(stack: Stack) -> dict[str, float]:
    return {
        process.name: sum(each.memory_info().rss for each in _with_children(process)) / 2**20
        for process in stack.status()
    }


def _with_children(process: Process) -> list[psutil.Process]:
    """The engine's worker has espeak beside it."""
    this = psutil.Process(process.pid)
    return [this, *this.children()]


def _print(runs: list[Run]) -> None:
    print(f"\n{machine()}\n")
    print(
        "| rows | submit rows/s | requests/s | audio s/s | " + " | ".join(PARTS) + " | peak MiB |"
    )
    print("|---:|---:|---:|---:|" + "---:|" * len(PARTS) + "---|")
    for run in runs:
        cells = [
            f"{run.rows:,}",
            f"{run.submit_rows_per_second:,.0f}",
            f"{run.requests_per_second}",
            f"{run.audio_seconds_per_second}",
            *(f"{run.part_seconds[name]:.1f} s" for name in PARTS),
            ", ".join(f"{name} {mib:.0f}" for name, mib in run.peak_mib.items()),
        ]
        print(f"| {' | '.join(cells)} |")
    for run in runs:
        print(f"CPU seconds at {run.rows:,} rows: {run.cpu_seconds}")


if __name__ == "__main__":
    main()
