"""Environment variables of numeric libraries, any of which may choose other programs.

A list of those that do would be a list of those that somebody thought of. So each variable counts
whose name begins as a numeric library's does, but for those that are known to change no bit.
"""

import os

from seedcast.errors import EngineFailed

PREFIXES = (
    "ATEN",
    "BLIS",
    "CUBLAS",
    "CUDA",
    "CUDNN",
    "DNNL",
    "GOMP",
    "INDUCTOR",
    "KMP",
    "MKL",
    "NCCL",
    "NUMBA",
    "NVIDIA",
    "OMP",
    "ONEDNN",
    "OPENBLAS",
    "PYTORCH",
    "TORCH",
    "TRITON",
    "XNNPACK",
)
HARMLESS = frozenset(
    {
        # The engine itself sets the number of threads, which is a fact of its own.
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        # NumPy only reads and writes samples.
        "OPENBLAS_NUM_THREADS",
        # They choose among devices; the one that is used is a fact of its own.
        "CUDA_DEVICE_ORDER",
        "CUDA_VISIBLE_DEVICES",
        "NVIDIA_VISIBLE_DEVICES",
        # Images of NVIDIA's set them to say what is in the image; the versions are facts.
        "CUDA_VERSION",
        "NVIDIA_DRIVER_CAPABILITIES",
        "NVIDIA_PRODUCT_NAME",
        "NVIDIA_REQUIRE_CUDA",
        # scikit-learn and joblib set them when they are imported, to the same values everywhere.
        "KMP_DUPLICATE_LIB_OK",
        "KMP_INIT_AT_FORK",
        # Folders.
        "CUDA_CACHE_PATH",
        "CUDA_HOME",
        "CUDA_PATH",
        "NUMBA_CACHE_DIR",
        "TORCHINDUCTOR_CACHE_DIR",
        "TORCH_HOME",
        "TRITON_CACHE_DIR",
        "TRITON_HOME",
        # What is logged.
        "DNNL_VERBOSE",
        "MKL_VERBOSE",
        "ONEDNN_VERBOSE",
        "TORCH_CPP_LOG_LEVEL",
        "TORCH_LOGS",
        "TORCH_SHOW_CPP_STACKTRACES",
    }
)


SECRET = ("CREDENTIAL", "KEY", "PASSWORD", "SECRET", "TOKEN")  # such as NVIDIA_API_KEY


def numeric_variables() -> dict[str, str]:
    """Return the variables that may choose among programs that round differently.

    What may be a secret is left out: the voice lock and the log show these values.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(PREFIXES)
        and name not in HARMLESS
        and not any(word in name for word in SECRET)
    }


def refuse_dynamic_threads() -> None:
    """Raises EngineFailed if the machine's load would choose the number of threads.

    They part a sum among them, so the same text would get other bytes at another load.
    """
    value = os.environ.get("OMP_DYNAMIC", "")
    if value.strip().lower() in ("true", "1"):
        raise EngineFailed(
            "OMP_DYNAMIC",
            expected="false, or unset: with it the machine's load chooses the number of threads, "
            "and by it the bytes",
            got=value,
            remedy="unset it",
        )
