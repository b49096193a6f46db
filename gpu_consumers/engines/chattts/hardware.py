"""What the engine runs on: device, precision, threads, and whether its static memory fits."""

import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from gpu_consumers.engines.chattts.model.dimensions import Dimensions
from seedcast.errors import EngineFailed
from seedcast.settings import GpuSettings

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "int8": torch.int8,
}
MIB = 1024 * 1024
CGROUP = Path("/sys/fs/cgroup")
HEADROOM = 0.9  # of the memory that is free; the rest is for what is not static: products, Kafka
RUNTIME = (
    1_750 * MIB
)  # libraries, compiled programs, what products and the vocoder hold while they work (measured on a CPU; on a device less)


@dataclass(frozen=True)
class Hardware:
    device: torch.device
    precision: str
    slots: int
    context: int
    threads: int

    @property
    def dtype(self) -> torch.dtype:
        return DTYPES[self.precision]

    @property
    def name(self) -> str:
        return (
            torch.cuda.get_device_name(self.device)
            if self.device.type == "cuda"
            else f"CPU {torch.backends.cpu.get_cpu_capability()}"
        )


def choose(settings: GpuSettings) -> Hardware:
    """By the settings, and by what is there where they leave it open. Raises EngineFailed for what this machine cannot do."""
    cuda = torch.cuda.is_available() if settings.device == "auto" else settings.device == "cuda"
    if cuda and not torch.cuda.is_available():
        raise EngineFailed(
            "SEEDCAST_GPU_DEVICE",
            expected="a CUDA device",
            got="none that torch can use",
            remedy="set it to cpu or auto, or mend the driver",
        )
    fast = cuda or torch.cpu._is_amx_tile_supported()
    precision = (
        ("bfloat16" if fast else "float32") if settings.precision == "auto" else settings.precision
    )
    if precision == "float16" and not cuda:
        raise EngineFailed(
            "SEEDCAST_GPU_PRECISION",
            expected="float32, bfloat16 or int8 on a CPU",
            got=precision,
            remedy="float16 is for CUDA devices",
        )
    threads = settings.threads or len(psutil.Process().cpu_affinity())
    return Hardware(
        torch.device("cuda" if cuda else "cpu"),
        precision,
        settings.slots or (256 if cuda else 64),
        settings.context,
        threads,
    )


def static_memory(dimensions: Dimensions, hardware: Hardware) -> dict[str, int]:
    """Bytes by part: what is allocated once, whatever is spoken, and what loading takes."""
    size, full = hardware.dtype.itemsize, 4
    cached = max(size, torch.bfloat16.itemsize)
    d, rows = dimensions, hardware.slots
    layers = d.layers * (4 * d.hidden * d.hidden + 3 * d.hidden * d.intermediate)
    vocoder = (
        d.decoder.layers * 8 * d.decoder.hidden**2
        + d.vocos.layers * 2 * d.vocos.hidden * d.vocos.intermediate
    )
    checkpoint = (
        layers if hardware.device.type == "cpu" else 0
    )  # as it was saved, until it is converted; a CUDA device gets it matrix by matrix
    tables = 2 * (d.text_tokens + d.codebooks * d.audio_tokens) * d.hidden
    return {
        "weights": layers * size + tables * full,
        "cache": 2 * rows * d.layers * hardware.context * d.hidden * cached,
        "states": rows * hardware.context * (d.hidden * full + d.codebooks * 8),
        "logits": rows * (d.codebooks * d.audio_tokens + d.text_tokens) * full,
        "loading": (checkpoint + vocoder) * full + RUNTIME,
    }


def free_memory(device: torch.device) -> int:
    """Bytes."""
    return (
        torch.cuda.mem_get_info(device)[0]
        if device.type == "cuda"
        else min(psutil.virtual_memory().available, _left_by_the_limit())
    )


def _left_by_the_limit() -> int:
    """Of a container (cgroup v2); what it caches of files does not count, since that gives way."""
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        used = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())[
            "anon"
        ]
    except (OSError, KeyError):
        return sys.maxsize
    return sys.maxsize if limit == "max" else int(limit) - int(used)


def ensure_fits(dimensions: Dimensions, hardware: Hardware) -> dict[str, int]:
    """The parts, in bytes. Raises EngineFailed with a number of slots that would fit."""
    parts = static_memory(dimensions, hardware)
    needed, room = sum(parts.values()), int(free_memory(hardware.device) * HEADROOM)
    if needed > room:
        fixed = parts["weights"] + parts["loading"]
        fits = max(0, (room - fixed) // ((needed - fixed) // hardware.slots))
        raise EngineFailed(
            f"{hardware.slots} slots of {hardware.context} positions in {hardware.precision}",
            expected=f"at most {room // MIB:,} MiB, {HEADROOM:.0%} of what is free",
            got=f"{needed // MIB:,} MiB ({', '.join(f'{name} {part // MIB:,}' for name, part in parts.items())})",
            remedy=f"set SEEDCAST_GPU_SLOTS to {fits}, or SEEDCAST_GPU_CONTEXT lower"
            if fits
            else "use a larger machine",
        )
    return parts
