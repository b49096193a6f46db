"""The metadata that is committed with an offset: which offsets above it are done, as a bitmap. Pure.

Kafka takes 4,095 bytes of metadata; a bitmap that is cut to fit only repeats work.
"""

import base64
from collections.abc import Iterable, Iterator

_VERSION = "1:"
MAX_METADATA = 4095  # bytes; a broker's default limit is 4,096, exclusive (measured)
MAX_BITS = (MAX_METADATA - len(_VERSION)) // 4 * 3 * 8


def encode(watermark: int, done: Iterable[int]) -> str:
    """Metadata for a commit of `watermark`; offsets beyond its reach are left out."""
    bits = [offset - watermark for offset in done if 0 <= offset - watermark < MAX_BITS]
    if not bits:
        return ""
    bitmap = bytearray(max(bits) // 8 + 1)
    for bit in bits:
        bitmap[bit // 8] |= 1 << bit % 8
    return _VERSION + base64.b64encode(bitmap).decode()


def decode(watermark: int, metadata: str) -> Iterator[int]:
    """Offsets that are done. Metadata that is not ours (an operator's reset, another tool) means that nothing is known."""
    if not metadata.startswith(_VERSION):
        return
    try:
        bitmap = base64.b64decode(metadata.removeprefix(_VERSION), validate=True)
    except ValueError:  # not base64 (binascii.Error is one), or not ASCII
        return
    for index, byte in enumerate(bitmap):
        yield from (watermark + index * 8 + bit for bit in range(8) if byte >> bit & 1)
