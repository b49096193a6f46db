"""Attention of one new position per row over the row's own cache, on a CPU, in numba.

`attention_cpu` and `attention_cuda` are two implementations of the same interface: `attend` takes
and returns the same shapes and dtypes in both. `decoder.kernels_for` selects one by the device.

Formula: softmax(q · Kᵀ / √head size) · V for one query per head (Vaswani et al., 2017), over the
positions from 0 to the row's own.

One program computes one (row, head) and adds in the order of the positions, from 0 to the row's
own. So neither the contents nor the lengths of other rows can change a bit of it. It reads the
valid positions, not the whole cache. numba compiles it for the machine that it runs on. bfloat16 is
stored as its 16 bits and widened when it is read; all arithmetic is float32.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import config, njit, prange, set_num_threads, types
from numba.extending import intrinsic
from torch import Tensor

_LOG2E = np.float32(1.4426950408889634)


def _bitcast(context: Any, word: Any) -> Any:
    """Intrinsic: turn a word of 32 bits, int32, into the float32 with the same bits."""

    def bitcast(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), bitcast


def _read(context: Any, value: Any) -> Any:
    """Intrinsic: return a float32 as it is, and widen the 16 bits of a bfloat16 to float32.

    The argument's type selects one of the two when a program is compiled.
    """

    def unchanged(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return arguments[0]

    def widen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = builder.shl(
            builder.sext(arguments[0], ir.IntType(32)), ir.Constant(ir.IntType(32), 16)
        )
        return builder.bitcast(word, ir.FloatType())

    if value == types.float32:
        return types.float32(types.float32), unchanged
    return types.float32(types.int16), widen


_as_float: Any = intrinsic(_bitcast)
read: Any = intrinsic(_read)


@njit(fastmath=True, inline="always")
def exponential(x: Any) -> Any:
    """Return e to the power of x, both scalars of float32, for x ≤ 0; relative error below 3e-7.

    eˣ = 2ⁿ · 2ᶠ with a whole n and f in 0 … 1; 2ᶠ is its Taylor polynomial of degree 7. It is
    simple enough for the compiler to turn into vector instructions.
    """
    y = max(x * _LOG2E, np.float32(-126.0))
    whole = np.int32(y) - np.int32(y < np.int32(y))
    f = y - np.float32(whole)
    p = np.float32(1.5252733804059841e-05)
    p = p * f + np.float32(1.5403530393381608e-04)
    p = p * f + np.float32(1.3333558146428443e-03)
    p = p * f + np.float32(9.6181291076284769e-03)
    p = p * f + np.float32(5.5504108664821580e-02)
    p = p * f + np.float32(2.4022650695910071e-01)
    p = p * f + np.float32(6.9314718055994531e-01)
    p = p * f + np.float32(1.0)
    return p * _as_float((whole + np.int32(127)) << np.int32(23))


@cache
def _kernel(head_size: int) -> Callable[..., None]:
    """Return the program for a head size.

    Its arguments are those of `attend` as arrays, and `out`, (rows, heads, head size) float32,
    which it fills. numba compiles it once for a cache of float32, and once for a cache of bfloat16
    as words of 16 bits.
    """
    scale = np.float32(head_size**-0.5)

    @njit(parallel=True, fastmath=True, boundscheck=False)
    def run(
        query: Any, key: Any, value: Any, keys: Any, values: Any, position: Any, out: Any
    ) -> None:
        rows, heads, _ = query.shape
        for program in prange(rows * heads):
            row, head = program // heads, program % heads
            length = position[row] + 1
            scores = np.empty(length, np.float32)
            highest = np.float32(-np.inf)
            for d in range(head_size):
                keys[row, head, length - 1, d] = key[row, head, d]
                values[row, head, length - 1, d] = value[row, head, d]
            for t in range(length):
                score = np.float32(0.0)
                for d in range(head_size):
                    score += query[row, head, d] * read(keys[row, head, t, d])
                scores[t] = score * scale
                highest = max(highest, scores[t])
            total = np.float32(0.0)
            for t in range(length):
                scores[t] = exponential(scores[t] - highest)
                total += scores[t]
            sums = np.zeros(head_size, np.float32)
            for t in range(length):
                for d in range(head_size):
                    sums[d] += scores[t] * read(values[row, head, t, d])
            for d in range(head_size):
                out[row, head, d] = sums[d] / total

    return run


def attend(
    query: Tensor, key: Tensor, value: Tensor, keys: Tensor, values: Tensor, position: Tensor
) -> Tensor:
    """Write key and value at each row's position, then attend from position 0 up to it.

    query: (rows, heads, head size) float32.
    key, value: (rows, heads, head size) in the cache's dtype, float32 or bfloat16.
    keys, values: the cache, (rows, heads, positions, head size) in its dtype; written in place.
    position: (rows,) int64, the position of the new key and value.
    Returns (rows, heads, head size) float32.
    """
    out = torch.empty_like(query)
    arrays = (as_array(tensor) for tensor in (query, key, value, keys, values, position, out))
    _kernel(query.shape[-1])(*arrays)
    return out


def use_threads(count: int) -> None:
    """Set the number of threads of all numba programs, at most what numba started with."""
    set_num_threads(min(count, int(config.NUMBA_NUM_THREADS)))  # type: ignore[attr-defined]


def as_array(tensor: Tensor) -> Any:
    """Return a CPU tensor as a NumPy array of the same memory, bfloat16 as int16 of its bits."""
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
