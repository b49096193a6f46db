"""Part 1: each matrix product of a step, under several settings of the libraries.

Which rows are alike, and how fast: tiny workspaces cost speed, and may not be needed where shapes
are fixed. The libraries read these settings once, so each is measured in a process of its own.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.device.setting import Findings, Setting
from benchmarks.device.timing import cold, microseconds
from seedcast.gpu_consumers.engines.chattts.kernels import linear, row_invariance
from seedcast.gpu_consumers.engines.chattts.kernels.determinism import (
    ENVIRONMENT,
    make_repeatable,
    set_backends,
)
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL, TINY

SETTINGS = ("ours", "default workspaces", "defaults")
ROWS = (64, 128, 256, 512, 1024)
LAYER = ("query, key, value", "output", "gate, up", "down")
Shapes = dict[str, tuple[int, int, torch.dtype]]  # outputs, inputs


def compare(setting: Setting) -> Findings:
    for name in SETTINGS:
        setting.figures[name] = apart(setting, name)
    ours = setting.figures["ours"]
    assert isinstance(ours, dict)
    uneven = [each for each, measured in ours.items() if not measured["alike"]]
    rows = setting.either(512, 8)
    times = ", ".join(f"{name} {_step(setting, name, rows):g} µs" for name in SETTINGS)
    return Findings(
        f"uneven: {', '.join(uneven) or 'none'}; those of a step of {rows} rows: {times}",
        not uneven,
    )


def _step(setting: Setting, name: str, rows: int) -> float:
    """Return the microseconds of all products of a step without the text head."""
    measured = setting.figures[name]
    assert isinstance(measured, dict)
    layers = setting.either(FULL, TINY).layers
    times: dict[str, float] = {
        product: measured[f"{product}, {rows} rows"]["microseconds"] for product in LAYER
    }
    code_head = measured[f"code head, {rows} rows"]["microseconds"]
    return round(layers * sum(times.values()) + float(code_head), 1)


def apart(setting: Setting, name: str) -> object:
    environment = {key: value for key, value in os.environ.items() if key not in ENVIRONMENT}
    command = [sys.executable, "-m", "benchmarks.device.products", name, setting.device.type]
    if setting.tiny:
        command.append("--tiny")
    printed = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return json.loads(printed)


@torch.inference_mode()
def measure(device: torch.device, tiny: bool) -> dict[str, object]:
    """Return for each product and number of rows if they are alike, and the time."""
    unused = Path()  # it needs no weights and writes no file
    setting = Setting(device, tiny, unused, unused, unused)
    found: dict[str, object] = {}
    for rows in setting.either(ROWS, (8,)):
        for name, (outputs, inputs, dtype) in shapes(setting).items():
            weight = row_invariance.cancelling_weight(outputs, inputs).to(device, dtype)
            run = linear.product(weight, rows, packed=False, multiple=1)
            x = torch.randn(rows, inputs, device=device).to(dtype)
            # In a step each weight comes from memory: no copy may be in the cache.
            found[f"{name}, {rows} rows"] = {
                "alike": row_invariance.is_row_invariant(run, rows, inputs, dtype, device),
                "microseconds": _microseconds(setting, weight, x),
            }
    return found


def _microseconds(setting: Setting, weight: Tensor, x: Tensor) -> float:
    """Time a product whose weight comes from memory, as in a step, and not from the cache."""
    weights = cold(setting, weight)
    call = lambda: linear.product(next(weights), len(x), packed=False, multiple=1)(x)  # noqa: E731
    return microseconds(setting, call, setting.either(100, 5))


def shapes(setting: Setting) -> Shapes:
    size = setting.either(FULL, TINY)
    hidden, wide, low = size.hidden, size.intermediate, torch.bfloat16
    return {
        "query, key, value": (3 * hidden, hidden, low),
        "output": (hidden, hidden, low),
        "gate, up": (2 * wide, hidden, low),
        "down": (hidden, wide, low),
        "code head": (size.codebooks * size.audio_tokens, hidden, torch.float32),
        "text head": (size.text_tokens, hidden, torch.float32),
    }


def main() -> None:
    parser = ArgumentParser(prog="python -m benchmarks.device.products", description=__doc__)
    parser.add_argument("settings", choices=SETTINGS)
    parser.add_argument("device")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    if options.tiny:
        torch.set_num_threads(1)
    if options.settings == "ours":
        make_repeatable()
    elif options.settings == "default workspaces":
        set_backends()
    print(json.dumps(measure(torch.device(options.device), options.tiny)))


if __name__ == "__main__":
    main()
