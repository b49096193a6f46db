"""Runs the Triton attention in Triton's interpreter, as a process of its own.

TRITON_INTERPRET counts only if it is set before the first import of triton. The process reads a
list of arguments of `attend` from the first file named, and writes a list of (result, keys, values)
to the second.
"""

import sys

import torch

from seedcast.gpu_consumers.engines.chattts.kernels.attention_cuda import attend

if __name__ == "__main__":
    calls = torch.load(sys.argv[1])
    # keys and values, which `attend` writes into, are its fourth and fifth argument
    torch.save([(attend(*call), call[3], call[4]) for call in calls], sys.argv[2])
