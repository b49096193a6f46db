"""The facts of ChatTTS's fingerprint: all that a waveform's bytes depend on beside the request."""

import ctypes
import platform
from importlib.metadata import distributions, version
from pathlib import Path

import torch

from seedcast.gpu_consumers.engines.chattts.hardware import Hardware
from seedcast.gpu_consumers.engines.chattts.variables import numeric_variables

REVISION = 4  # of the code in this package: raise it with every change that changes a waveform
PACKAGES = (
    "ChatTTS",
    "numba",
    "numpy",
    "tokenizers",
    "torch",
    "transformers",
    "vector-quantize-pytorch",
    "vocos",
)


def engine_facts(weights: str, front_end: str, hardware: Hardware) -> dict[str, object]:
    """Return JSON values by name.

    `weights` is the digest of the model's files, `front_end` the version of the text front end.
    """
    on_cuda = hardware.device.type == "cuda"
    return {
        "engine": "chattts",
        "revision": REVISION,
        "weights": weights,
        "front_end": front_end,
        "precision": hardware.precision,
        "slots": hardware.slots,
        "context": hardware.context,
        "device": hardware.device.type,
        "model": hardware.name,
        # On a device, threads only start its work.
        "threads": None if on_cuda else hardware.threads,
        "libraries": None if on_cuda else _libraries(),
        "machine": platform.machine(),
        "instructions": _instructions(),
        "libc": platform.libc_ver(),
        "packages": {package: version(package) for package in PACKAGES},
        "cuda": _cuda(hardware) if on_cuda else None,
        "environment": numeric_variables(),
    }


def _libraries() -> dict[str, object]:
    """Return what the libraries of a CPU say of themselves, once their threads have been set.

    So this counts what a variable, or another program's setting, made of them.
    """
    reported = torch.__config__.parallel_info()
    counted = ("at::get_num_threads", "OpenMP", "omp_", "Intel", "mkl_", "ATen parallel backend")
    lines = [line.strip() for line in reported.splitlines()]
    found: dict[str, object] = {"torch": [line for line in lines if line.startswith(counted)]}
    bundled = Path(torch.__file__).parent / "lib" / "libgomp.so.1"
    if bundled.exists():
        openmp = ctypes.CDLL(str(bundled))
        found["openmp"] = {
            name: getattr(openmp, f"omp_get_{name}")()
            for name in ("max_threads", "thread_limit", "dynamic")
        }
    return found


def _instructions() -> str:
    """Return the names of the CPU's instruction sets.

    oneDNN, MKL and numba choose their programs by them.
    """
    capability: str = torch.backends.cpu.get_cpu_capability()
    amx = "AMX" if torch.cpu._is_amx_tile_supported() else ""
    return f"{capability} {amx} {_numba_cpu()}".strip()


def _cuda(hardware: Hardware) -> dict[str, object]:
    """Return what chooses the programs of a device: its kind, and the libraries' versions."""
    return {
        "version": torch.version.cuda,
        "capability": hardware.capability,
        "multiprocessors": hardware.multiprocessors,
        "cudnn": torch.backends.cudnn.version(),
        "blas": str(torch.backends.cuda.preferred_blas_library()),
        "libraries": {
            name: each.version
            for each in distributions()
            # An installation that broke off leaves a distribution without a name.
            if (name := each.metadata["Name"] or "").startswith(("nvidia-", "triton"))
        },
    }


def _numba_cpu() -> str:
    from llvmlite import binding

    return str(binding.get_host_cpu_name())
