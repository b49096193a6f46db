"""What the decoder computes between its matrix products, row by row, on any device, in torch.

`rowwise_torch` and `rowwise_cpu` are two implementations of the same interface: `rms_norm`,
`swiglu`, `rotate` and `quantise` take and return the same shapes and dtypes in both.
`decoder.kernels_for` selects one by the device.

No operation reads more than one row.
"""

import torch
from torch import Tensor


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Return the RMS norm (Zhang and Sennrich, 2019): x / √(mean of x² + eps) · weight.

    x: (rows, hidden) float32. weight: (hidden,) float32.
    Returns (rows, hidden) float32.
    """
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def swiglu(gate_up: Tensor) -> Tensor:
    """Return SwiGLU (Shazeer, 2020): silu of the first half of each row times the second half.

    gate_up: (rows, 2 · intermediate), float32 or a 16-bit float that is widened to it.
    Returns (rows, intermediate) float32.
    """
    gate, up = gate_up.float().chunk(2, -1)
    return silu(gate) * up


def silu(x: Tensor) -> Tensor:
    """Return x · sigmoid(x) of each element of x, float32, in the shape of x.

    torch's own silu takes another exponential for the elements that are left over beside a thread's
    vectors, so its bits would depend on the slot.
    """
    return x / torch.exp(-x).add_(1.0)


def rotate(query_key_value: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor]:
    """Return query and key rotated by the angles of their row's position (RoPE, Su et al., 2021).

    Element i of the first half of a head is rotated against element i of the second half.

    query_key_value: (rows, 3, heads, head size), float32 or a 16-bit float that is widened to it.
    cosine, sine: (rows, head size) float32.
    Returns two tensors (rows, heads, head size) float32.
    """
    query, key, _ = query_key_value.float().unbind(1)
    cosine, sine = cosine[:, None], sine[:, None]
    return _rotate_halves(query, cosine, sine), _rotate_halves(key, cosine, sine)


def quantise(x: Tensor) -> tuple[Tensor, Tensor]:
    """Round each row to whole multiples of its own scale.

    The scale is the row's largest magnitude, at least 1e-12, divided by 127.

    x: (rows, inputs) float32.
    Returns the multiples (rows, inputs) int8 in -127 … 127, and the scales (rows, 1) float32.
    """
    scale = x.abs().amax(-1, keepdim=True).clamp_(min=1e-12) / 127.0
    return (x / scale).round_().to(torch.int8), scale


def _rotate_halves(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return x * cosine + torch.cat((-second, first), -1) * sine
