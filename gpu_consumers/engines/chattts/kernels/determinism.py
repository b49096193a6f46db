"""Settings under which a CUDA device computes the same bits from the same shapes; made before it computes anything."""

import os

import torch

from seedcast.errors import EngineFailed

# As vLLM's batch-invariant mode on Hopper has them: with next to no workspace cuBLAS chooses no program that splits a sum by what is free.
ENVIRONMENT = {
    "CUBLAS_WORKSPACE_CONFIG": ":16:8",
    "CUBLASLT_WORKSPACE_SIZE": "1",
}  # buffers of 16 KiB; KiB


def make_repeatable() -> None:
    """Sets them for this process. Raises EngineFailed where CUDA has been initialised without: the libraries read the environment once."""
    missing = [name for name, value in ENVIRONMENT.items() if os.environ.get(name) != value]
    if missing and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        expected = " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
        raise EngineFailed(
            "the environment of cuBLAS",
            expected=expected,
            got="CUDA in use before it was set",
            remedy="load the engine before other work on the device, or set these variables before the process starts",
        )
    os.environ.update(ENVIRONMENT)
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    matmul.allow_bf16_reduced_precision_reduction = (
        matmul.allow_fp16_reduced_precision_reduction
    ) = (False, False)  # nor split-K
    cudnn.benchmark, cudnn.deterministic = False, True
    # Not torch.use_deterministic_algorithms: under it scatter_ copies from the host, which the capture of a graph forbids. The step has
    # no operation that needs it: no atomic addition, no cumulative sum, and where an index occurs twice, the same value is written.
