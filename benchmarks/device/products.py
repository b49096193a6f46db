"""Part 1: each matrix product of a step, under several settings of the libraries.

Which rows are alike, and how fast: tiny workspaces cost speed, and may not be needed where shapes
are fixed. The libraries read these settings once, so each is measured in a process of its own.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser

import torch

from benchmarks.device.setting import Findings, Setting
from benchmarks.device.timing import microseconds
from seedcast.gpu_consumers.engines.chattts.kernels import linear, row_invariance
from seedcast.gpu_consumers.engines.chattts.kernels.determinism import (
    ENVIRONMENT,
    make_repeatable,
    set_backends,
)
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL, TINY

SETTINGS = ("ours", "large workspaces", "defaults")
ROWS = (64, 128, 256, 512, 1024)
Shapes = dict[str, tuple[int, int, torch.dtype]]  # outputs, inputs


def compare(setting: Setting) -> Findings:
    figures: dict[str, object] = {}
    for name in SETTINGS:
        figures[name] = _apart(setting, name)
    ours = figures["ours"]
    assert isinstance(ours, dict)
    uneven = [each for each, measured in ours.items() if not measured["alike"]]
    total = {name: _total(measured) for name, measured in figures.items()}
    times = ", ".join(f"{name} {value:g} µs" for name, value in total.items())
    return Findings(
        f"uneven: {', '.join(uneven) or 'none'}; all products once: {times}", not uneven, figures
    )


def _total(measured: object) -> float:
    assert isinstance(measured, dict)
    return round(sum(each["microseconds"] for each in measured.values()), 1)


def _apart(setting: Setting, name: str) -> object:
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
    setting = Setting(device, tiny, *[None] * 3)  # type: ignore[arg-type]
    found: dict[str, object] = {}
    for rows in setting.either(ROWS, (8,)):
        for name, (outputs, inputs, dtype) in shapes(setting).items():
            weight = row_invariance.cancelling_weight(outputs, inputs).to(device, dtype)
            run = linear.product(weight, rows, packed=False, multiple=1)
            x = torch.randn(rows, inputs, device=device).to(dtype)
            found[f"{name}, {rows} rows"] = {
                "alike": row_invariance.is_row_invariant(run, rows, inputs, dtype, device),
                "microseconds": microseconds(setting, lambda run=run, x=x: run(x), 20),
            }
    return found


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
    if options.settings == "ours":
        make_repeatable()
    elif options.settings == "large workspaces":
        set_backends()
    print(json.dumps(measure(torch.device(options.device), options.tiny)))


if __name__ == "__main__":
    main()
