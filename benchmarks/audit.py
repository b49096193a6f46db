"""Measure `seedcast audit` on whole nights.

    python -m benchmarks.audit [--requests 10000 100000] [--objects hash|size|none]
        [--place] [--once]

Each size is its own night on its own embedded stack, fabricated without workers: its list is staged
and fed as in production, and audio, results, offsets and objects are as workers leave them.
The real command audits the night, in a process whose memory is sampled. Then several faults are
made in the night at once, and it is audited again. Faults that Kafka cannot make afterwards are
tried on small nights, one each.

For 500,000 requests use `--objects none`: the embedded S3 server reads the whole bucket for each
page of 1,000 objects (25,000 objects: 2.6 s, and it grows with the square).

Exits 1 if the audit was wrong. Figures go to benchmarks/results/audit.json.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from benchmarks.local_stack import machine, running_stack
from benchmarks.night.audit_run import AuditRun, ObjectCheck, run_audit
from benchmarks.night.deployments import deployment
from benchmarks.night.fabricate import Night
from benchmarks.night.faults import break_night
from benchmarks.night.omissions import OMISSIONS, make_incomplete
from seedcast.settings import Settings

OUT = Path(__file__).parent / "results" / "audit.json"
SMALL = 40  # requests of a night with an omission
CAMPAIGN = "night"


@dataclass(frozen=True)
class Plan:
    objects: ObjectCheck
    as_files: bool  # objects are written as files, not by PUT
    once: bool  # no faults are made


@dataclass(frozen=True)
class Measured:
    requests: int
    written_seconds: dict[str, float]  # by step
    clean: AuditRun
    broken: AuditRun | None  # None: it was audited once

    @property
    def right(self) -> bool:
        return self.clean.ok and self.clean.right and (self.broken is None or self.broken.right)


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    once = options.once or options.objects != "hash"
    plan = Plan(options.objects, as_files=options.place, once=once)
    nights = [_measure(size, plan) for size in options.requests]
    incomplete = {} if plan.once else _audit_incomplete_nights()
    arguments = sys.argv[1:] if argv is None else argv
    report = {
        "command": shlex.join(["python", "-m", "benchmarks.audit", *arguments]),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "nights": [asdict(night) for night in nights],
        "bytes_a_request": _growth(nights),
        "lacking": {words: asdict(run) for words, run in incomplete.items()},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    _print(nights, incomplete)
    right = [night.right for night in nights] + [run.right for run in incomplete.values()]
    return 0 if all(right) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument(
        "--objects",
        choices=get_args(ObjectCheck),
        default="hash",
        help="how the audit checks objects; with none they are not made",
    )
    parser.add_argument(
        "--place",
        action="store_true",
        help="write objects into the folder that the S3 server serves, not by PUT",
    )
    parser.add_argument(
        "--once", action="store_true", help="make no faults; implied unless objects are hashed"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


def _measure(size: int, plan: Plan) -> Measured:
    with running_stack() as (_, settings):
        night = Night(deployment(settings, "night"), CAMPAIGN)
        written = {name: _seconds(step) for name, step in _steps(night, size, plan).items()}
        print(f"{size:,} requests, seconds to write them: {written}", flush=True)
        clean = run_audit(night, plan.objects)
        print(f"{size:,} requests: {clean}", flush=True)
        broken = None if plan.once else run_audit(night, plan.objects, break_night(night))
        return Measured(size, written, clean, broken)


def _steps(night: Night, size: int, plan: Plan) -> dict[str, Callable[[], None]]:
    bucket = night.settings.home / "s3" / night.settings.s3.bucket
    steps: dict[str, Callable[[], None]] = {
        "make_folder": lambda: night.make_folder(bucket),
        "stage": lambda: night.stage(size),
        "feed": night.feed,
        "speak": lambda: night.speak(night.requests()),
        "put": lambda: night.put(night.requests()),
        "place": lambda: night.place(night.requests(), bucket),
        "deliver": lambda: night.deliver(night.requests()),
        "commit": night.commit,
    }
    omitted = {"put"} if plan.as_files else {"make_folder", "place"}
    if plan.objects == "none":
        omitted = {"put", "make_folder", "place"}
    return {name: step for name, step in steps.items() if name not in omitted}


def _audit_incomplete_nights() -> dict[str, AuditRun]:
    with running_stack() as (_, settings):
        return {
            words: _audit_incomplete_night(settings, number, words)
            for number, words in enumerate(OMISSIONS)
        }


def _audit_incomplete_night(settings: Settings, number: int, words: str) -> AuditRun:
    night = Night(deployment(settings, f"lacking-{number}", partitions=2), CAMPAIGN)
    return run_audit(night, expected=[make_incomplete(night, words, SMALL)])


def _seconds(step: Callable[[], None]) -> float:
    began = time.perf_counter()
    step()
    return round(time.perf_counter() - began, 1)


def _growth(nights: Sequence[Measured]) -> float | None:
    """Return how many bytes per request the peak grows by; None if there is only one size."""
    ordered = sorted(nights, key=lambda night: night.requests)
    smallest, largest = ordered[0], ordered[-1]
    if smallest.requests == largest.requests:
        return None
    growth = largest.clean.resident_mib["peak"] - smallest.clean.resident_mib["peak"]
    return round(growth * 2**20 / (largest.requests - smallest.requests), 1)


def _print(nights: Sequence[Measured], incomplete: dict[str, AuditRun]) -> None:
    print(f"\n{machine()}\n")
    print("| requests | | seconds | requests/s | resident MiB | findings |")
    print("|---:|---|---:|---:|---|---|")
    clean = [(night.requests, "clean", night.clean) for night in nights]
    broken = [(night.requests, "broken", night.broken) for night in nights if night.broken]
    for requests, name, run in (*clean, *broken):
        resident = ", ".join(f"{when} {mib:.0f}" for when, mib in run.resident_mib.items())
        print(
            f"| {requests:,} | {name} | {run.seconds} | {run.requests_per_second} "
            f"| {resident} | {run.findings or 'none'} |"
        )
    print("\n| broken | caught |\n|---|---|")
    for run in (*(run for *_, run in broken), *incomplete.values()):
        for fault, caught in run.caught.items():
            exact = caught and not run.unexpected
            print(f"| {fault} | {'yes, and nothing else' if exact else 'NO'} |")


if __name__ == "__main__":
    sys.exit(main())
