"""What the decoder computes between its matrix products, row by row, on a CPU, in numba.

`rowwise_torch` and `rowwise_cpu` are two implementations of the same interface: `rms_norm`,
`swiglu`, `rotate` and `quantise` take and return the same shapes and dtypes in both.
`decoder.kernels_for` selects one by the device.

No operation reads more than one row. One program computes one row in a single pass over memory.
torch takes a pass over memory for each operation, which at 64 rows cost half as much as the matrix
products (measured).
"""

from typing import Any

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.kernels.attention_cpu import as_array, exponential, read


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Return the RMS norm (Zhang and Sennrich, 2019): x / √(mean of x² + eps) · weight.

    x: (rows, hidden) float32. weight: (hidden,) float32.
    Returns (rows, hidden) float32.
    """
    out = torch.empty_like(x)
    _rms_norm(x.numpy(), weight.numpy(), np.float32(eps), out.numpy())
    return out


def swiglu(gate_up: Tensor) -> Tensor:
    """Return SwiGLU (Shazeer, 2020): silu of the first half of each row times the second half.

    gate_up: (rows, 2 · intermediate), float32 or a 16-bit float that is widened to it.
    Returns (rows, intermediate) float32.
    """
    out = torch.empty(len(gate_up), gate_up.shape[1] // 2)
    _swiglu(as_array(gate_up), out.numpy())
    return out


def rotate(query_key_value: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor]:
    """Return query and key rotated by the angles of their row's position (RoPE, Su et al., 2021).

    Element i of the first half of a head is rotated against element i of the second half.

    query_key_value: (rows, 3, heads, head size), float32 or a 16-bit float that is widened to it.
    cosine, sine: (rows, head size) float32.
    Returns two tensors (rows, heads, head size) float32.
    """
    rows, _, heads, size = query_key_value.shape
    query, key = torch.empty(rows, heads, size), torch.empty(rows, heads, size)
    _rotate(as_array(query_key_value), cosine.numpy(), sine.numpy(), query.numpy(), key.numpy())
    return query, key


def quantise(x: Tensor) -> tuple[Tensor, Tensor]:
    """Round each row to whole multiples of its own scale.

    The scale is the row's largest magnitude, at least 1e-12, divided by 127.

    x: (rows, inputs) float32.
    Returns the multiples (rows, inputs) int8 in -127 … 127, and the scales (rows, 1) float32.
    """
    whole, scale = torch.empty(x.shape, dtype=torch.int8), torch.empty(len(x), 1)
    _quantise(x.numpy(), whole.numpy(), scale.numpy())
    return whole, scale


_compiled = njit(parallel=True, fastmath=True, boundscheck=False)


@_compiled
def _rms_norm(x: Any, weight: Any, eps: Any, out: Any) -> None:
    rows, size = x.shape
    for row in prange(rows):
        total = np.float32(0.0)
        for i in range(size):
            total += x[row, i] * x[row, i]
        scale = np.float32(1.0) / np.sqrt(total / np.float32(size) + eps)
        for i in range(size):
            out[row, i] = x[row, i] * scale * weight[i]


@njit(fastmath=True, inline="always")
def _silu(x: Any) -> Any:
    e = exponential(-abs(x))
    return x * (np.float32(1.0) if x >= 0 else e) / (np.float32(1.0) + e)


@_compiled
def _swiglu(gate_up: Any, out: Any) -> None:
    rows, size = out.shape
    for row in prange(rows):
        for i in range(size):
            out[row, i] = _silu(read(gate_up[row, i])) * read(gate_up[row, size + i])


@njit(fastmath=True, inline="always")
def _turn(x: Any, cosine: Any, sine: Any, row: Any, out: Any) -> None:
    heads, size = x.shape
    half = size // 2
    for head in range(heads):
        for i in range(half):
            first, second = read(x[head, i]), read(x[head, half + i])
            out[head, i] = first * cosine[row, i] - second * sine[row, i]
            out[head, half + i] = second * cosine[row, half + i] + first * sine[row, half + i]


@_compiled
def _rotate(qkv: Any, cosine: Any, sine: Any, query: Any, key: Any) -> None:
    for row in prange(len(qkv)):
        _turn(qkv[row, 0], cosine, sine, row, query[row])
        _turn(qkv[row, 1], cosine, sine, row, key[row])


@_compiled
def _quantise(x: Any, whole: Any, scale: Any) -> None:
    rows, size = x.shape
    for row in prange(rows):
        highest = np.float32(1e-12)
        for i in range(size):
            highest = max(highest, abs(x[row, i]))
        scale[row, 0] = highest / np.float32(127.0)
        steps = np.float32(127.0) / highest
        for i in range(size):
            whole[row, i] = np.int8(np.int32(np.rint(x[row, i] * steps)))
