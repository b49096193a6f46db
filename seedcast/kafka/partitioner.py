"""The key and the partition of a request on a requests topic. Pure."""

from zlib import crc32


def key(voice_seed: int) -> bytes:
    """Return the seed in ASCII decimal, so that producers in any language agree."""
    return b"%d" % voice_seed


def partition(key: bytes, request_id: bytes, spread: int, partitions: int) -> int:
    """Spread one voice seed over `spread` partitions (0: all), the first picked by the seed.

    Few voices still use every GPU that way.
    """
    return (crc32(key) + crc32(request_id) % min(spread or partitions, partitions)) % partitions
