"""The peak memory of this process."""

import resource


def peak_mib(device: str) -> float:
    """Return MiB: resident memory on a CPU, what torch has allocated on a CUDA device."""
    if device == "cuda":
        import torch

        return round(torch.cuda.max_memory_allocated() / 2**20)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
