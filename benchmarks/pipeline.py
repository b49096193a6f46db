"""The whole pipeline on one machine, from a list to the audit of its campaign.

    python -m benchmarks.pipeline [--rows 1000 5000 20000] [--engine espeak]
    python -m benchmarks.pipeline --rows 500000 --engine echo --objects none --out night.json

It runs on one embedded stack with a feeder, one GPU consumer, one post-process worker and an
indexer. The list is staged, fed, spoken, rendered, delivered and indexed; then `seedcast audit`
proves it. What is measured: how fast that is, where the time and the CPU go, whether memory grows,
and the broker's disk.

Exits 1 unless every campaign is proven. Figures go to benchmarks/results/pipeline.json.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from benchmarks.local_stack import (
    WORKERS,
    machine,
    read_metrics,
    running_stack,
    start_measured_worker,
    write_list,
)
from benchmarks.night.audit_run import AuditRun, ObjectCheck, run_audit
from benchmarks.night.fabricate import Night
from benchmarks.processes import Memory, broker_mib, cpu_seconds
from seedcast.campaigns.progress import Progress
from seedcast.campaigns.waiting import wait
from seedcast.embedded import Stack
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file
from seedcast.settings import Settings
from seedcast.storage.list_ids import ids_reader

OUT = Path(__file__).parent / "results" / "pipeline.json"
WARM_UP = 50  # rows
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
    outcomes: dict[str, int]
    cpu_seconds: dict[str, float]  # by process
    part_seconds: dict[str, float]  # wall time inside each part
    resident_mib: dict[str, dict[str, float]]  # by process
    resident_over_time: list[dict[str, float]]
    broker_mib: dict[str, float]  # by topic, of this run and those before it
    audit: AuditRun


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    runs = _measure(options)
    report = {
        "command": shlex.join(
            ["python", "-m", "benchmarks.pipeline", *(sys.argv[1:] if argv is None else argv)]
        ),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "engine": options.engine,
        "profile": options.profile,
        "runs": [asdict(run) for run in runs],
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    _print(runs)
    return 0 if all(run.audit.ok and run.audit.right for run in runs) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument("--engine", default="espeak")
    parser.add_argument("--profile", default="telephony")
    parser.add_argument(
        "--objects",
        choices=get_args(ObjectCheck),
        default="hash",
        help="how the audit checks objects; the embedded S3 server lists them in a time that grows "
        "with their square",
    )
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


def _measure(options: argparse.Namespace) -> list[Run]:
    with running_stack() as (stack, settings):
        engine = {"SEEDCAST_GPU_ENGINE": options.engine}
        kinds = (*WORKERS, "indexer")  # what `seedcast up` starts, but for the gateway
        ports = {kind: start_measured_worker(stack, kind, engine)[1] for kind in kinds}
        _run(settings, stack, ports, WARM_UP, options)
        return [_run(settings, stack, ports, size, options) for size in options.rows]


def _run(
    settings: Settings, stack: Stack, ports: dict[str, int], size: int, options: argparse.Namespace
) -> Run:
    campaign = f"rows-{size}"
    source = stack.home / f"{campaign}.csv"
    write_list(source, size)
    parts_before, cpu_before, memory = _part_seconds(ports), cpu_seconds(stack), Memory(stack)

    def watch(progress: Progress) -> None:
        memory.sample(progress.finished)

    began = time.perf_counter()
    terms = SubmitOptions(campaign=campaign, id_column="id", profiles=(options.profile,))
    report = submit_file(settings, source, terms)
    progress = wait(settings, campaign, ids_reader(settings.s3), watch)
    seconds = time.perf_counter() - began
    parts, cpu = _part_seconds(ports), cpu_seconds(stack)
    return Run(
        rows=size,
        submit_rows_per_second=round(report.rows / report.seconds),
        seconds=round(seconds, 2),
        requests_per_second=round(progress.finished / seconds, 1),
        audio_seconds_per_second=round(progress.audio_seconds / seconds, 1),
        outcomes={
            status: getattr(progress, status)
            for status in ("succeeded", "failed", "expired", "cancelled")
        },
        cpu_seconds={name: round(cpu[name] - cpu_before[name], 2) for name in cpu_before},
        part_seconds={name: round(parts[name] - parts_before[name], 2) for name in PARTS},
        resident_mib=memory.mib(),
        resident_over_time=memory.over_time(),
        broker_mib=broker_mib(stack.home, settings),
        audit=run_audit(Night(settings, campaign), options.objects),
    )


def _part_seconds(ports: dict[str, int]) -> dict[str, float]:
    metrics = {worker: read_metrics(port) for worker, port in ports.items()}
    return {
        part: metrics[worker].get((metric, tuple(sorted(labels.items()))), 0.0)
        for part, (worker, metric, labels) in PARTS.items()
    }


def _print(runs: list[Run]) -> None:
    print(f"\n{machine()}\n")
    print("| rows | submit rows/s | requests/s | audio s/s | " + " | ".join(PARTS) + " | audit |")
    print("|---:|---:|---:|---:|" + "---:|" * len(PARTS) + "---|")
    for run in runs:
        cells = [
            f"{run.rows:,}",
            f"{run.submit_rows_per_second:,.0f}",
            f"{run.requests_per_second}",
            f"{run.audio_seconds_per_second}",
            *(f"{run.part_seconds[name]:.1f} s" for name in PARTS),
            "proven" if run.audit.ok and not run.audit.findings else f"{run.audit.findings}",
        ]
        print(f"| {' | '.join(cells)} |")
    for run in runs:
        print(f"\n{run.rows:,} rows: {run.outcomes}; broker MiB {run.broker_mib}")
        print("| process | CPU ms per request | resident MiB |\n|---|---:|---|")
        for name, mib in run.resident_mib.items():
            sizes = ", ".join(f"{when} {size:.0f}" for when, size in mib.items())
            print(f"| {name} | {run.cpu_seconds[name] / run.rows * 1e3:.2f} | {sizes} |")
        audit = run.audit
        print(
            f"audit: {audit.seconds} s, MiB {audit.resident_mib}, {audit.findings or 'no finding'}"
        )


if __name__ == "__main__":
    sys.exit(main())
