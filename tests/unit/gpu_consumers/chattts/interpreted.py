"""The Triton attention in Triton's interpreter, a process of its own: its variable counts only before the first import of triton.

Reads lists of arguments from the file named first, and writes for each the result and the two caches to the second.
"""

import sys

import torch

from gpu_consumers.engines.chattts.kernels.attention_cuda import attend

if __name__ == "__main__":
    cases = torch.load(sys.argv[1])
    torch.save([(attend(*case), case[3], case[4]) for case in cases], sys.argv[2])
