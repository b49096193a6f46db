"""What the engine runs on: device, precision and threads, and whether its static memory fits."""

import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Dimensions
from seedcast.settings import GpuSettings

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "int8": torch.int8,
}
MIB = 1024 * 1024
CGROUP = Path("/sys/fs/cgroup")
HEADROOM = 0.9  # of the free memory; the rest is for what is not static: products, Kafka
# Libraries, compiled programs, and what products and the vocoder hold while they work (measured on
# a CPU; less on a device).
RUNTIME = 1_750 * MIB


@dataclass(frozen=True)
class Hardware:
    """The device and the sizes that an engine is built for."""

    device: torch.device
    precision: str
    slots: int
    context: int  # positions per slot
    threads: int

    @property
    def dtype(self) -> torch.dtype:
        return DTYPES[self.precision]

    @property
    def name(self) -> str:
        """The model of the GPU, or the CPU's instruction set."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return f"CPU {torch.backends.cpu.get_cpu_capability()}"

    @property
    def capability(self) -> str:
        """The compute capability of the GPU, such as 9.0."""
        major, minor = torch.cuda.get_device_capability(self.device)
        return f"{major}.{minor}"

    @property
    def multiprocessors(self) -> int:
        """The number of the GPU's multiprocessors, by which libraries part their work."""
        return int(torch.cuda.get_device_properties(self.device).multi_processor_count)


def choose(settings: GpuSettings) -> Hardware:
    """Return the hardware that the settings ask for; what they leave open depends on the machine.

    Raises EngineFailed for what this machine cannot do.
    """
    cuda = torch.cuda.is_available() if settings.device == "auto" else settings.device == "cuda"
    if cuda and not torch.cuda.is_available():
        raise EngineFailed(
            "SEEDCAST_GPU_DEVICE",
            expected="a CUDA device",
            got="none that torch can use",
            remedy="set it to cpu or auto, or repair the driver",
        )
    threads = settings.threads or len(psutil.Process().cpu_affinity())
    return Hardware(
        torch.device("cuda" if cuda else "cpu"),
        _precision(settings, cuda),
        settings.slots or (256 if cuda else 64),
        settings.context,
        threads,
    )


def _precision(settings: GpuSettings, cuda: bool) -> str:
    if settings.precision == "auto":
        return "bfloat16" if cuda or torch.cpu._is_amx_tile_supported() else "float32"
    if settings.precision == "float16" and not cuda:
        raise EngineFailed(
            "SEEDCAST_GPU_PRECISION",
            expected="float32, bfloat16 or int8 on a CPU",
            got=settings.precision,
            remedy="choose one of them, or run on a CUDA device",
        )
    return settings.precision


def static_memory(dimensions: Dimensions, hardware: Hardware) -> dict[str, int]:
    """Return bytes by part: what is allocated once, whatever is spoken, and what loading takes."""
    size, full = hardware.dtype.itemsize, 4
    cached = max(size, torch.bfloat16.itemsize)
    d, rows = dimensions, hardware.slots
    layers = d.layers * (4 * d.hidden * d.hidden + 3 * d.hidden * d.intermediate)
    vocoder = (
        d.decoder.layers * 8 * d.decoder.hidden**2
        + d.vocos.layers * 2 * d.vocos.hidden * d.vocos.intermediate
    )
    # A CPU holds the layers as they were saved until it has converted them; a CUDA device gets
    # them matrix by matrix.
    checkpoint = layers if hardware.device.type == "cpu" else 0
    tables = 2 * (d.text_tokens + d.codebooks * d.audio_tokens) * d.hidden
    return {
        "weights": layers * size + tables * full,
        "cache": 2 * rows * d.layers * hardware.context * d.hidden * cached,
        "states": rows * hardware.context * (d.hidden * full + d.codebooks * 8),
        "logits": rows * (d.codebooks * d.audio_tokens + d.text_tokens) * full,
        "loading": (checkpoint + vocoder) * full + RUNTIME,
    }


def free_memory(device: torch.device) -> int:
    """Return the free bytes of a GPU, or of this machine or container."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(psutil.virtual_memory().available, _free_in_container())


def _free_in_container() -> int:
    """Return what a container's limit (cgroup v2) leaves, in bytes; sys.maxsize if it has none.

    Files that the container caches do not count as used, since the kernel evicts them.
    """
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        lines = (CGROUP / "memory.stat").read_text().splitlines()
        used = dict(line.split() for line in lines)["anon"]
    except (OSError, KeyError):
        return sys.maxsize
    return sys.maxsize if limit == "max" else int(limit) - int(used)


def ensure_fits(dimensions: Dimensions, hardware: Hardware) -> dict[str, int]:
    """Return the parts of the static memory, in bytes.

    Raises EngineFailed if they do not fit, with the number of slots that would.
    """
    parts = static_memory(dimensions, hardware)
    needed, available = sum(parts.values()), int(free_memory(hardware.device) * HEADROOM)
    if needed <= available:
        return parts
    fixed = parts["weights"] + parts["loading"]
    fits = max(0, (available - fixed) // ((needed - fixed) // hardware.slots))
    by_part = ", ".join(f"{name} {part // MIB:,}" for name, part in parts.items())
    lower = f"set SEEDCAST_GPU_SLOTS to {fits}, or SEEDCAST_GPU_CONTEXT to a lower number"
    raise EngineFailed(
        f"{hardware.slots} slots of {hardware.context} positions in {hardware.precision}",
        expected=f"at most {available // MIB:,} MiB, {HEADROOM:.0%} of what is free",
        got=f"{needed // MIB:,} MiB ({by_part})",
        remedy=lower if fits else "use a larger machine",
    )
