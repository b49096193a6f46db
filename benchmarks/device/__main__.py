"""Proves and measures the engine on a CUDA device, part by part, within eight minutes.

Each part has a time of its own, and its result is written when it ends: what comes after may fail.
"""

import argparse
import faulthandler
import json
import logging
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import structlog
import torch

from benchmarks.device import (
    attention,
    company,
    graphs,
    intermediates,
    machine,
    products,
    steps,
    upstream,
    vocoder,
    whole,
)
from benchmarks.device.setting import Findings, Setting
from seedcast.gpu_consumers.engines.chattts.hardware import Hardware
from seedcast.gpu_consumers.engines.chattts.load import prepare
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL, TINY
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate

Part = Callable[[Setting], Findings]
PARTS: tuple[tuple[str, Part, int], ...] = (  # name, function, seconds that it may take
    ("machine", machine.look_at, 40),
    ("products", products.compare, 50),
    ("intermediates", intermediates.compare, 20),
    ("attention", attention.measure, 35),
    ("graphs", graphs.compare, 45),
    ("company", company.compare, 60),
    ("steps", steps.measure, 60),
    ("vocoder", vocoder.measure, 30),
    ("whole", whole.measure, 60),
    ("upstream", upstream.measure, 40),
)
BUDGET = 480  # seconds for all parts


class OutOfTime(Exception):
    """A part took longer than it may."""


def main() -> int:
    options = _parser().parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    faulthandler.dump_traceback_later(BUDGET + 30, exit=True)  # nothing else ends a hanging device
    with tempfile.TemporaryDirectory() as folder:
        setting = _prepare(options, Path(folder))
        chosen = [part for part in PARTS if not options.parts or part[0] in options.parts]
        results = [
            _report(out, _run(setting, part, BUDGET - (time.monotonic() - began)))
            for part in chosen
        ]
    print(f"\n{sum(1 for result in results if result['holds'])} of {len(results)} parts hold")
    print(f"results: {out / 'device.jsonl'}")
    return 0 if all(result["holds"] for result in results) else 1


def _prepare(options: argparse.Namespace, folder: Path) -> Setting:
    """Set the process up for the device, and make the weights."""
    device = torch.device(options.device)
    # The rows and the context are not used here.
    prepare(Hardware(device, "bfloat16", 1, 512, torch.get_num_threads()))
    small = fabricate(folder / "tiny", TINY, seed=1).folder
    models = small if options.tiny else fabricate(folder / "full", FULL, seed=1).folder
    return Setting(device, options.tiny, models, small, options.out)


def _run(setting: Setting, part: tuple[str, Part, int], left: float) -> dict[str, object]:
    """Return a part's findings; of one that fails, why."""
    name, function, seconds = part
    began = time.perf_counter()
    try:
        with _alarm(min(seconds, int(left))):
            findings = function(setting)
    except Exception as error:
        traceback.print_exc()  # the other parts shall run
        findings = Findings(f"{type(error).__name__}: {error}".splitlines()[0], holds=False)
    setting.free()
    took = round(time.perf_counter() - began, 1)
    return {"part": name, "seconds": took, "date": _now(), **asdict(findings)}


def _report(out: Path, result: dict[str, object]) -> dict[str, object]:
    with (out / "device.jsonl").open("a") as file:
        file.write(json.dumps(result) + "\n")
    verdict = "holds" if result["holds"] else "FAILS"
    print(f"{result['part']:14}{result['seconds']:>7} s  {verdict}  {result['headline']}")
    sys.stdout.flush()
    return result


@contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """Raises OutOfTime in the block after so many seconds."""
    if seconds <= 0:
        raise OutOfTime("no time is left for it")

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTime(f"it took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks/device/run.sh",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--tiny", action="store_true", help="small sizes: rehearses the command, measures nothing"
    )
    parser.add_argument(
        "--parts", nargs="+", choices=[name for name, *_ in PARTS], help="only these; default all"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(".device"), help="folder for the results; default .device"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
