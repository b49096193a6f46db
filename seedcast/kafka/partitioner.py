"""On which partition of a requests topic a request lies. Pure."""

from zlib import crc32


def key(voice_seed: int) -> bytes:
    """ASCII decimal, so that producers in any language agree."""
    return b"%d" % voice_seed


def partition(key: bytes, request_id: bytes, spread: int, partitions: int) -> int:
    """One voice seed over `spread` partitions, 0 for all, from a first one that the seed picks: few voices then still use every GPU."""
    return (crc32(key) + crc32(request_id) % min(spread or partitions, partitions)) % partitions
