"""Part 0: what the machine is, and how fast its memory copies."""

from importlib.metadata import version

import torch

from benchmarks.device.setting import Findings, Setting
from benchmarks.device.timing import microseconds
from benchmarks.engine import machine
from seedcast.gpu_consumers.engines.chattts.facts import PACKAGES


def look_at(setting: Setting) -> Findings:
    count = setting.either(2**30, 2**22)  # bytes
    source, target = (torch.zeros(count, dtype=torch.uint8, device=setting.device) for _ in "ab")
    host = torch.zeros(count // 16, dtype=torch.uint8, pin_memory=setting.on_cuda)
    inside = microseconds(setting, lambda: target.copy_(source), 4)
    across = microseconds(setting, lambda: target[: len(host)].copy_(host, non_blocking=True), 4)
    gigabytes = {
        "inside": round(2 * count / inside / 1e3, 1),  # read and written
        "from_host": round(len(host) / across / 1e3, 1),
    }
    named = machine(setting.device.type)
    setting.figures |= {
        "machine": named,
        "gigabytes_per_second": gigabytes,
        "packages": {package: version(package) for package in PACKAGES},
    }
    return Findings(f"{named}; memory copies {gigabytes['inside']:g} GB/s")
