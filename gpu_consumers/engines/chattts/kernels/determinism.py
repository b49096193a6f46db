"""Settings under which a CUDA device computes the same bits from the same shapes.

They must be made before the process computes anything on the device.
"""

import os

import torch

from seedcast.errors import EngineFailed

# The values of vLLM's batch-invariant mode on Hopper. With next to no workspace, cuBLAS cannot
# choose a program that splits a sum according to how much workspace is free.
ENVIRONMENT = {
    "CUBLAS_WORKSPACE_CONFIG": ":16:8",  # eight buffers of 16 KiB
    "CUBLASLT_WORKSPACE_SIZE": "1",  # KiB
}


def make_repeatable() -> None:
    """Make the settings for this process.

    Raises EngineFailed if CUDA was initialised without them: the libraries read the environment
    only once.
    """
    missing = [name for name, value in ENVIRONMENT.items() if os.environ.get(name) != value]
    if missing and torch.cuda.is_initialized():
        raise EngineFailed(
            "the environment of cuBLAS",
            expected=" ".join(f"{name}={value}" for name, value in ENVIRONMENT.items()),
            got="CUDA in use before it was set",
            remedy="load the engine before other work on the device, or set these variables "
            "before the process starts",
        )
    os.environ.update(ENVIRONMENT)
    set_backends()


def set_backends() -> None:
    """Choose torch's backends and what they may do; without their workspaces' sizes."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    # Only cuBLASLt knows products without split-K; with cuBLAS each one in bfloat16 would raise.
    torch.backends.cuda.preferred_blas_library("cublaslt")
    # (reduced precision, split-K): neither is allowed.
    neither = (False, False)
    matmul.allow_bf16_reduced_precision_reduction = neither
    matmul.allow_fp16_reduced_precision_reduction = neither
    cudnn.benchmark, cudnn.deterministic = False, True
    # Do not call torch.use_deterministic_algorithms: under it scatter_ copies from the host, which
    # the capture of a graph forbids. No operation of a step needs it: there is no atomic addition
    # and no cumulative sum, and where an index occurs twice, the same value is written twice.
