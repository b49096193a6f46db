"""Random numbers without state: Philox 4×32-10 (Salmon et al., SC 2011; the library Random123).

They are a function of key and counter alone. The code uses plain tensor operations, so that it runs
on any device and inside a CUDA graph. Words of 32 bits are held in int64: a product may wrap, but
the bits that are used are right.
"""

import torch
from torch import Tensor

ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)  # what each round adds to the key
_MASK = 0xFFFFFFFF


def philox(
    key: tuple[Tensor, Tensor], counter: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return four words of 32 random bits for each element of the broadcast key and counter.

    All words, of key, counter and result, are int64 tensors of values below 2³². The result has
    the broadcast shape.
    """
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
    """Turn words of 32 random bits, int64, into float32 in the open interval (0, 1), same shape.

    23 of the bits are used: with 24, the highest value would be rounded to 1.
    """
    return ((bits >> 9).float() + 0.5) * 2.0**-23


def gumbel(bits: Tensor) -> Tensor:
    """Turn words of 32 random bits, int64, into standard Gumbel variates, float32, same shape.

    Inverse transform sampling: -ln(-ln u) of a uniform u.
    """
    return -torch.log(-torch.log(uniform(bits)))


def _high(product: Tensor) -> Tensor:
    """Return the upper 32 bits of products of 64 bits."""
    return (product >> 32) & _MASK
