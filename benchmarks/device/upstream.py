"""Part 9: upstream's `Chat.infer` and our slots on the same weights, at the same lengths.

Upstream runs in a process of its own, with the libraries' own settings and not with ours.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.chattts import backlog, upstream
from benchmarks.chattts.parts import build
from benchmarks.device.setting import Findings, Setting
from seedcast.gpu_consumers.engines.chattts.kernels.determinism import ENVIRONMENT

BUDGET = 15.0  # seconds for ours


def measure(setting: Setting) -> Findings:
    command = [sys.executable, "-m", "benchmarks.device.upstream"]
    command += [setting.device.type, str(setting.models), *(["--tiny"] if setting.tiny else [])]
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    printed = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    runs = json.loads(printed.splitlines()[-1])
    setting.figures["upstream"] = runs
    plan, slots = setting.plan(), setting.either(512, 8)
    parts = build(plan, "bfloat16", slots)
    ours = backlog.run(parts, parts.generations([plan.tokens] * (2 * slots)), BUDGET)
    setting.figures["ours"] = asdict(ours)
    listed = ", ".join(f"{run['audio_per_second']:g} at batch {run['batch']}" for run in runs)
    return Findings(
        f"{plan.tokens} tokens a row, audio s/s: upstream {listed}; "
        f"ours {ours.audio_per_second_queued:g} with {slots} slots, vocoder after the steps"
    )


def main() -> None:
    import torch

    device, models, *tiny = sys.argv[1:]
    folder = Path(models)
    if tiny:
        torch.set_num_threads(1)
    setting = Setting(torch.device(device), bool(tiny), folder, folder, folder)
    runs = upstream.measure(setting.plan(), list(setting.either((16, 64), (2,))), [])
    print(json.dumps([asdict(run) for run in runs]))


if __name__ == "__main__":
    main()
