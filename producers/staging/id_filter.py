"""A Bloom filter of request ids: it tells which ids surely were not added. Pure."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.int64]
BITS = 2**27  # 16 MiB; with five million ids in it, it is sure of all but 0.04 % of others
_PROBES = np.arange(4)  # bits per id


def hashes_of(ids: Collection[str]) -> Hashes:
    """Return a hash per id, the same one within this process."""
    return np.fromiter(map(hash, ids), np.int64, len(ids))


class IdFilter:
    """All arrays are of hashes, one per id."""

    def __init__(self) -> None:
        self._bits = np.zeros(BITS // 8, np.uint8)

    def add(self, hashes: Hashes) -> None:
        byte, bit = _places(hashes)
        np.bitwise_or.at(self._bits, byte, bit)

    def may_have(self, hashes: Hashes) -> NDArray[np.intp]:
        """Return the indices of those that may have been added."""
        byte, bit = _places(hashes)
        return np.flatnonzero((self._bits[byte] & bit).all(axis=1))


def _places(hashes: Hashes) -> tuple[Hashes, NDArray[np.uint8]]:
    """Return byte and bit of each probe, by double hashing: ids x probes."""
    first, step = hashes & 0xFFFFFFFF, (hashes >> 32) | 1
    places = (first[:, None] + step[:, None] * _PROBES) & (BITS - 1)
    return places >> 3, np.left_shift(1, places & 7).astype(np.uint8)
