"""Runs parts one after another in one process, and appends a line of JSON for each."""

import argparse
import json
import logging
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
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
from benchmarks.device.plan import PARTS, PATIENCE, RESULTS
from benchmarks.device.setting import Findings, Setting
from seedcast.gpu_consumers.engines.chattts.hardware import Hardware
from seedcast.gpu_consumers.engines.chattts.load import prepare
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL, TINY, Dimensions
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate

FUNCTIONS: dict[str, Callable[[Setting], Findings]] = {
    "machine": machine.look_at,
    "products": products.compare,
    "intermediates": intermediates.compare,
    "attention": attention.measure,
    "graphs": graphs.compare,
    "company": company.compare,
    "steps": steps.measure,
    "vocoder": vocoder.measure,
    "whole": whole.measure,
    "upstream": upstream.measure,
}


class OutOfTime(BaseException):
    """A part took longer than it may. No library catches it by `except Exception`."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device.parts", description=__doc__)
    parser.add_argument("device")
    parser.add_argument("models", type=Path, help="folder for the fabricated weights")
    parser.add_argument("out", type=Path)
    parser.add_argument("parts", nargs="+")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    device = torch.device(options.device)
    # Its slots and context are not used here. Tiny products are slower in several threads.
    threads = 1 if options.tiny else torch.get_num_threads()
    prepare(Hardware(device, "bfloat16", 1, 512, threads))
    small = _weights(options.models / "tiny", TINY)
    models = small if options.tiny else _weights(options.models / "full", FULL)
    setting = Setting(device, options.tiny, models, small, options.out)
    for name in options.parts:
        _report(options.out, _run(replace(setting, figures={}), name))
        setting.wait()  # raises if the device is lost: the parts that are left get a new process
        setting.free()


def _weights(folder: Path, dimensions: Dimensions) -> Path:
    """Return the folder, fabricated if a process before this one has not done so."""
    if not folder.exists():
        half = folder.with_suffix(".half")
        fabricate(half, dimensions, seed=1)
        half.rename(folder)
    return folder


def _run(setting: Setting, name: str) -> dict[str, object]:
    """Return a part's findings; of one that fails, why, and what it had found by then."""
    began = time.perf_counter()
    try:
        with _alarm(PARTS[name] * (PATIENCE if setting.tiny else 1)):
            findings = FUNCTIONS[name](setting)
    except (Exception, OutOfTime) as error:
        traceback.print_exc()  # the other parts shall run
        findings = Findings(f"{type(error).__name__}: {error}".splitlines()[0], holds=False)
    took, now = round(time.perf_counter() - began, 1), datetime.now(UTC)
    return {
        "part": name,
        "seconds": took,
        "date": now.isoformat(timespec="seconds"),
        **asdict(findings),
        "figures": setting.figures,
    }


def _report(out: Path, result: dict[str, object]) -> None:
    with (out / RESULTS).open("a") as file:
        file.write(json.dumps(result) + "\n")


@contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """Raises OutOfTime in the block after so many seconds, and again, should it be swallowed."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTime(f"it took longer than {seconds} s")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main()
