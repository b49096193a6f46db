"""What the decoder does between its products, in torch, for any device. A row never meets another."""

import torch
from torch import Tensor


def normed(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """RMS norm (Zhang and Sennrich, 2019) of (rows, hidden) float32."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def gated(gate_up: Tensor) -> Tensor:
    """SwiGLU: silu of the first half of each row times the second, (rows, 2 · intermediate) to (rows, intermediate) float32."""
    gate, up = gate_up.float().chunk(2, -1)
    return silu(gate) * up


def silu(x: Tensor) -> Tensor:
    """x · sigmoid(x). torch's own takes another exponential for what is left over beside a thread's vectors, so that bits would depend on the slot."""
    return x / torch.exp(-x).add_(1.0)


def rotated(query_key_value: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor]:
    """Query and key of (rows, 3, heads, size) turned by the angles of their row, (rows, size), halves against each other: (rows, heads, size) float32."""
    query, key, _ = query_key_value.float().unbind(1)
    return _rotate(query, cosine[:, None], sine[:, None]), _rotate(
        key, cosine[:, None], sine[:, None]
    )


def quantised(x: Tensor) -> tuple[Tensor, Tensor]:
    """Each row as int8 in -127 … 127, and its scale (rows, 1) float32."""
    scale = x.abs().amax(-1, keepdim=True).clamp_(min=1e-12) / 127.0
    return (x / scale).round_().to(torch.int8), scale


def _rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return x * cosine + torch.cat((-second, first), -1) * sine
