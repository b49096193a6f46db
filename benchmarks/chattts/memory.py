"""The most memory that a process has had."""

import resource


def peak_mib(device: str) -> float:
    """Resident on a CPU; on a CUDA device what torch has allocated there."""
    if device == "cuda":
        import torch

        return round(torch.cuda.max_memory_allocated() / 2**20)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
