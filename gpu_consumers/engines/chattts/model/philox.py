"""Random numbers without state: Philox 4×32-10, a function of key and counter alone (Salmon et al., SC 2011; Random123).

Plain tensor operations, so that it runs on any device, and inside a CUDA graph. Words of 32 bits are held
in int64: a product wraps, and the bits that count stay right.
"""

import torch
from torch import Tensor

ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_MASK = 0xFFFFFFFF


def philox(
    key: tuple[Tensor, Tensor], counter: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Four words of 32 random bits in int64, for each element of the broadcast key and counter (words of 32 bits in int64)."""
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for _ in range(ROUNDS):
        first, second = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            _high(second) ^ c1 ^ k0,
            second & _MASK,
            _high(first) ^ c3 ^ k1,
            first & _MASK,
        )
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return c0, c1, c2, c3


def uniform(bits: Tensor) -> Tensor:
    """32 random bits to float32 in the open interval (0, 1), of which 23 bits count: with 24 the highest would be rounded to 1."""
    return ((bits >> 9).float() + 0.5) * 2.0**-23


def gumbel(bits: Tensor) -> Tensor:
    """32 random bits to a standard Gumbel variate, float32."""
    return -torch.log(-torch.log(uniform(bits)))


def _high(product: Tensor) -> Tensor:
    return (product >> 32) & _MASK
