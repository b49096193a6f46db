"""`rowwise` for a CPU, one program a row: torch takes a pass over memory for each operation, which at 64 rows cost half as much as the products."""

from typing import Any

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

from gpu_consumers.engines.chattts.kernels.attention_cpu import as_array, exponential, read


def normed(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    out = torch.empty_like(x)
    _normed(x.numpy(), weight.numpy(), np.float32(eps), out.numpy())
    return out


def gated(gate_up: Tensor) -> Tensor:
    out = torch.empty(len(gate_up), gate_up.shape[1] // 2)
    _gated(as_array(gate_up), out.numpy())
    return out


def rotated(query_key_value: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor]:
    rows, _, heads, size = query_key_value.shape
    query, key = torch.empty(rows, heads, size), torch.empty(rows, heads, size)
    _rotated(as_array(query_key_value), cosine.numpy(), sine.numpy(), query.numpy(), key.numpy())
    return query, key


def quantised(x: Tensor) -> tuple[Tensor, Tensor]:
    whole, scale = torch.empty(x.shape, dtype=torch.int8), torch.empty(len(x), 1)
    _quantised(x.numpy(), whole.numpy(), scale.numpy())
    return whole, scale


_compiled = njit(parallel=True, fastmath=True, boundscheck=False)


@_compiled
def _normed(x: Any, weight: Any, eps: Any, out: Any) -> None:
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
def _gated(gate_up: Any, out: Any) -> None:
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
def _rotated(qkv: Any, cosine: Any, sine: Any, query: Any, key: Any) -> None:
    for row in prange(len(qkv)):
        _turn(qkv[row, 0], cosine, sine, row, query[row])
        _turn(qkv[row, 1], cosine, sine, row, key[row])


@_compiled
def _quantised(x: Any, whole: Any, scale: Any) -> None:
    rows, size = x.shape
    for row in prange(rows):
        highest = np.float32(1e-12)
        for i in range(size):
            highest = max(highest, abs(x[row, i]))
        scale[row, 0] = highest / np.float32(127.0)
        steps = np.float32(127.0) / highest
        for i in range(size):
            whole[row, i] = np.int8(np.int32(np.rint(x[row, i] * steps)))
