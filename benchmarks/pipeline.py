"""The whole pipeline on the embedded stack: `python -m benchmarks.pipeline [--rows 1000 5000 20000]`.

One stack, one GPU consumer (espeak) and one post-process worker, all on this machine; the telephony profile.
Says how fast each list went from submission to its last manifest, where the time went, and whether
memory grew. Figures go to benchmarks/results/pipeline.json.
"""

import argparse
import json
import platform
import time
import urllib.request
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.night.deployments import running_stack
from producers import SubmitOptions, submit_file
from producers.rows.sample_list import rows as sample_rows
from seedcast.campaigns.progress import wait
from seedcast.embedded import Stack, connected
from seedcast.embedded.processes import free_ports
from seedcast.settings import Settings

RESULTS = Path(__file__).parent / "results" / "pipeline.json"
WORKERS = ("gpu-consumer", "postprocess")
PARTS = {  # seconds of a worker's own clock, from its metrics
    "engine": ("gpu-consumer", "seedcast_engine_step_seconds_sum", {}),
    "decode": ("postprocess", "seedcast_postprocess_stage_seconds_sum", {"stage": "decode"}),
    "render": ("postprocess", "seedcast_postprocess_stage_seconds_sum", {"stage": "render"}),
    "encode": ("postprocess", "seedcast_postprocess_stage_seconds_sum", {"stage": "encode"}),
    "store": ("postprocess", "seedcast_postprocess_stage_seconds_sum", {"stage": "store"}),
    "send": ("postprocess", "seedcast_postprocess_stage_seconds_sum", {"stage": "send"}),
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
    peak_mib: dict[str, float]  # resident, by worker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 5000, 20000])
    arguments = parser.parse_args()
    runs = _measure(arguments.rows)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps(
            {
                "date": datetime.now(UTC).date().isoformat(),
                "machine": machine(),
                "runs": [asdict(run) for run in runs],
            },
            indent=2,
        )
        + "\n"
    )
    _print(runs)


def _measure(sizes: list[int]) -> list[Run]:
    with running_stack() as stack:
        ports = {name: _start(stack, name) for name in WORKERS}
        settings = connected(Settings(home=stack.home))
        _run(settings, stack, ports, 50, "warm-up")
        return [_run(settings, stack, ports, size, f"rows-{size}") for size in sizes]


def _start(stack: Stack, name: str) -> int:
    (port,) = free_ports(0)
    stack.start_worker(
        name, ["run", name], {"SEEDCAST_METRICS_PORT": str(port), "SEEDCAST_LOG_LEVEL": "warning"}
    )
    return port


def _run(settings: Settings, stack: Stack, ports: dict[str, int], size: int, campaign: str) -> Run:
    source = stack.home / f"{campaign}.csv"
    write_list(source, size)
    before, cpu = _parts(ports), _cpu(stack)
    peak: dict[str, float] = {}

    def sample(_: object) -> None:
        for process in stack.status():
            peak[process.name] = max(
                peak.get(process.name, 0.0), psutil.Process(process.pid).memory_info().rss / 2**20
            )

    began = time.perf_counter()
    report = submit_file(
        settings, source, SubmitOptions(campaign=campaign, id_column="id", profiles=("telephony",))
    )
    progress = wait(settings, campaign, sample)
    seconds = time.perf_counter() - began
    after, cpu_after = _parts(ports), _cpu(stack)
    return Run(
        rows=size,
        submit_rows_per_second=round(report.rows / report.seconds),
        seconds=round(seconds, 2),
        requests_per_second=round(progress.finished / seconds, 1),
        audio_seconds_per_second=round(progress.audio_seconds / seconds, 1),
        cpu_seconds={name: round(cpu_after[name] - cpu[name], 2) for name in cpu},
        part_seconds={name: round(after[name] - before[name], 2) for name in PARTS},
        peak_mib={name: round(value) for name, value in peak.items()},
    )


def write_list(path: Path, size: int) -> None:
    """The example's rows without those that are wrong on purpose, all for one profile."""
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = [name for name in next(iter(sample_rows(1))) if name != "profile"]
        writer.writerow(names)
        for start in range(0, size, 300):
            for number, row in enumerate(sample_rows(min(300, size - start))):
                writer.writerow(
                    [f"r-{start + number}" if name == "id" else row[name] for name in names]
                )


def _parts(ports: dict[str, int]) -> dict[str, float]:
    pages = {name: page(port) for name, port in ports.items()}
    return {
        part: pages[worker].get((metric, tuple(sorted(labels.items()))), 0.0)
        for part, (worker, metric, labels) in PARTS.items()
    }


def page(port: int) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Values by metric and labels; empty while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
    except OSError:  # it has only just been started
        return {}
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in families
        for s in family.samples
    }


def _cpu(stack: Stack) -> dict[str, float]:
    times = {process.name: psutil.Process(process.pid).cpu_times() for process in stack.status()}
    return {name: spent.user + spent.system for name, spent in times.items()}


def machine() -> str:
    return f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.machine()}, Python {platform.python_version()}"


def _print(runs: list[Run]) -> None:
    print(f"\n{machine()}\n")
    print(
        "| rows | submit rows/s | requests/s | audio s/s | " + " | ".join(PARTS) + " | peak MiB |"
    )
    print("|---:|---:|---:|---:|" + "---:|" * len(PARTS) + "---|")
    for run in runs:
        parts = " | ".join(f"{run.part_seconds[name]:.1f} s" for name in PARTS)
        peak = ", ".join(f"{name} {mib:.0f}" for name, mib in run.peak_mib.items())
        print(
            f"| {run.rows:,} | {run.submit_rows_per_second:,.0f} | {run.requests_per_second} | {run.audio_seconds_per_second} | {parts} | {peak} |"
        )
    for run in runs:
        print(f"CPU seconds at {run.rows:,} rows: {run.cpu_seconds}")


if __name__ == "__main__":
    main()
