"""The facts of ChatTTS's fingerprint: all that a waveform's bytes depend on beside the request."""

import os
import platform
from importlib.metadata import version

import torch

from seedcast.gpu_consumers.engines.chattts.hardware import Hardware

REVISION = 3  # of the code in this package: raise it with every change that changes a waveform
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
# oneDNN (under either name), ATen, MKL and numba read these variables to choose among programs
# that round differently.
CPU_VARIABLES = (
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_CPU_ISA_HINTS",
    "DNNL_CPU_ISA_HINTS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_DEBUG_CPU_TYPE",
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
)
# A CUDA device has both lists: voices are drawn on the CPU.
CUDA_VARIABLES = ("CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE")


def engine_facts(weights: str, front_end: str, hardware: Hardware) -> dict[str, object]:
    """Return JSON values by name.

    `weights` is the digest of the model's files, `front_end` the version of the text front end.
    """
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
        "threads": hardware.threads,
        "machine": platform.machine(),
        "instructions": _instructions(),
        "libc": platform.libc_ver(),
        "packages": {package: version(package) for package in PACKAGES},
        "cuda": torch.version.cuda if hardware.device.type == "cuda" else None,
        "environment": _environment(hardware.device.type),
    }


def _instructions() -> str:
    """Return the names of the CPU's instruction sets.

    oneDNN, MKL and numba choose their programs by them.
    """
    capability: str = torch.backends.cpu.get_cpu_capability()
    amx = "AMX" if torch.cpu._is_amx_tile_supported() else ""
    return f"{capability} {amx} {_numba_cpu()}".strip()


def _environment(device: str) -> dict[str, str]:
    """Return the variables that choose programs on this device, if they are set."""
    names = (*CPU_VARIABLES, *CUDA_VARIABLES) if device == "cuda" else CPU_VARIABLES
    return {name: os.environ[name] for name in names if name in os.environ}


def _numba_cpu() -> str:
    from llvmlite import binding

    return str(binding.get_host_cpu_name())
