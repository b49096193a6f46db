"""`seedcast audit` of a whole night: `python -m benchmarks.audit [--requests 10000 100000] [--objects hash|size|none] [--place] [--once]`.

Each size is a night of its own on an embedded stack of its own, fabricated without workers: requests and the sealed record by `submit`,
audio, results, offsets and objects as the workers leave them. The real command audits it, in a process whose memory is sampled. Then
the night is broken in several places at once and audited again; what Kafka cannot take back is tried on small nights, one fault each.
500,000 requests: `--objects none`, since the embedded S3 server reads the whole bucket for each page of 1,000 objects (25,000: 2.6 s, and it
grows with the square).
Exits 1 where the audit did not say what is so. Figures go to benchmarks/results/audit.json.
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

from benchmarks.night.audited import Audited, Objects, audited
from benchmarks.night.deployments import deployment, running_stack
from benchmarks.night.fabricate import Night
from benchmarks.night.lacking import LACKS, lack
from benchmarks.night.spoil import spoil
from benchmarks.pipeline import machine
from seedcast.embedded import connected
from seedcast.settings import Settings

OUT = Path(__file__).parent / "results" / "audit.json"
SMALL = 40  # requests of a night that lacks something
CAMPAIGN = "night"


@dataclass(frozen=True)
class Plan:
    objects: Objects
    place: bool
    once: bool  # nothing is broken


@dataclass(frozen=True)
class Measured:
    requests: int
    written_seconds: dict[str, float]  # by step
    clean: Audited
    broken: Audited | None  # None: it was audited once

    @property
    def right(self) -> bool:
        return self.clean.ok and self.clean.right and (self.broken is None or self.broken.right)


def main(argv: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(argv)
    plan = Plan(given.objects, given.place, given.once or given.objects != "hash")
    nights = [_measure(size, plan) for size in given.requests]
    lacks = {} if plan.once else _lacks()
    report = {
        "command": shlex.join(
            ["python", "-m", "benchmarks.audit", *(sys.argv[1:] if argv is None else argv)]
        ),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "nights": [asdict(night) for night in nights],
        "bytes_a_request": _growth(nights),
        "lacking": {broken: asdict(found) for broken, found in lacks.items()},
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=2) + "\n")
    _print(nights, lacks)
    return (
        0
        if all(night.right for night in nights) and all(found.right for found in lacks.values())
        else 1
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument(
        "--objects",
        choices=get_args(Objects),
        default="hash",
        help="how the audit looks at objects; with none they are not made",
    )
    parser.add_argument(
        "--place",
        action="store_true",
        help="write objects into the folder that the S3 server serves, not by PUT",
    )
    parser.add_argument(
        "--once", action="store_true", help="break nothing; so too where objects are not hashed"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


def _measure(size: int, plan: Plan) -> Measured:
    with running_stack() as stack:
        settings = connected(Settings(home=stack.home))
        night = Night(deployment(settings, "night"), CAMPAIGN)
        written = {name: _seconds(step) for name, step in _steps(night, size, plan).items()}
        print(f"{size:,} requests, seconds to write them: {written}", flush=True)
        clean = audited(night, plan.objects)
        print(f"{size:,} requests: {clean}", flush=True)
        return Measured(
            size, written, clean, None if plan.once else audited(night, plan.objects, spoil(night))
        )


def _steps(night: Night, size: int, plan: Plan) -> dict[str, Callable[[], None]]:
    bucket = night.settings.home / "s3" / night.settings.s3.bucket
    steps: dict[str, Callable[[], None]] = {
        "accept": lambda: night.accept(size),
        "speak": lambda: night.speak(night.requests()),
        "put": lambda: night.put(night.requests()),
        "place": lambda: night.place(night.requests(), bucket),
        "deliver": lambda: night.deliver(night.requests()),
        "commit": night.commit,
    }
    left_out = {"put", "place"} if plan.objects == "none" else {"put"} if plan.place else {"place"}
    return {name: step for name, step in steps.items() if name not in left_out}


def _lacks() -> dict[str, Audited]:
    with running_stack() as stack:
        settings = connected(Settings(home=stack.home))
        return {broken: _lacking(settings, number, broken) for number, broken in enumerate(LACKS)}


def _lacking(settings: Settings, number: int, broken: str) -> Audited:
    night = Night(deployment(settings, f"lacking-{number}", partitions=2), CAMPAIGN)
    return audited(night, expected=[lack(night, broken, SMALL)])


def _seconds(step: Callable[[], None]) -> float:
    began = time.perf_counter()
    step()
    return round(time.perf_counter() - began, 1)


def _growth(nights: Sequence[Measured]) -> float | None:
    """Of the peak, from the smallest night to the largest; None where there is but one size."""
    ordered = sorted(nights, key=lambda night: night.requests)
    least, most = ordered[0], ordered[-1]
    if least.requests == most.requests:
        return None
    return round(
        (most.clean.resident_mib["peak"] - least.clean.resident_mib["peak"])
        * 2**20
        / (most.requests - least.requests),
        1,
    )


def _print(nights: Sequence[Measured], lacks: dict[str, Audited]) -> None:
    print(
        f"\n{machine()}\n\n| requests | | seconds | requests/s | resident MiB | findings |\n|---:|---|---:|---:|---|---|"
    )
    broken = [(night.requests, "broken", night.broken) for night in nights if night.broken]
    for requests, name, found in [
        *((night.requests, "clean", night.clean) for night in nights),
        *broken,
    ]:
        resident = ", ".join(f"{when} {mib:.0f}" for when, mib in found.resident_mib.items())
        print(
            f"| {requests:,} | {name} | {found.seconds} | {found.requests_per_second} | {resident} | {found.findings or 'none'} |"
        )
    print("\n| broken | caught |\n|---|---|")
    for found in (*(found for *_, found in broken), *lacks.values()):
        for what, caught in found.caught.items():
            print(
                f"| {what} | {'yes, and nothing else' if caught and not found.unexpected else 'NO'} |"
            )


if __name__ == "__main__":
    sys.exit(main())
