"""Runs the Triton attention in Triton's interpreter, as a process of its own.

TRITON_INTERPRET counts only if it is set before the first import of triton. The process reads a
list of arguments of `attend` from the first file named, and writes a list of (result, keys, values)
to the second.
"""

import sys
from typing import Any

import torch
from triton.runtime import interpreter

from seedcast.gpu_consumers.engines.chattts.kernels.attention_cuda import attend

_patch_tensor = interpreter._patch_lang_tensor


def patch_tensor(tensor: Any, scope: Any) -> None:
    """Let a loaded number be the end of a range: triton 3.6 asks NumPy 2.4 for what it refuses."""
    _patch_tensor(tensor, scope)
    scope.set_attr(tensor, "__index__", lambda loaded: loaded.handle.data.item())


interpreter._patch_lang_tensor = patch_tensor

if __name__ == "__main__":
    calls = torch.load(sys.argv[1])
    # keys and values, which `attend` writes into, are its fourth and fifth argument
    torch.save([(attend(*call), call[3], call[4]) for call in calls], sys.argv[2])
