"""State beside a committed offset: a bitmap of the offsets above it that are done. Pure.

A bitmap that is cut to fit the offset's metadata only repeats work.
"""

import base64
from collections.abc import Iterable, Iterator

from seedcast.kafka.offset_state import MAX_STATE

_VERSION = "1:"
MAX_BITS = (MAX_STATE - len(_VERSION)) // 4 * 3 * 8


def encode(watermark: int, done: Iterable[int]) -> str:
    """Return the state for a commit of `watermark`.

    Offsets more than MAX_BITS above the watermark are left out.
    """
    bits = [offset - watermark for offset in done if 0 <= offset - watermark < MAX_BITS]
    if not bits:
        return ""
    bitmap = bytearray(max(bits) // 8 + 1)
    for bit in bits:
        bitmap[bit // 8] |= 1 << bit % 8
    return _VERSION + base64.b64encode(bitmap).decode()


def decode(watermark: int, metadata: str) -> Iterator[int]:
    """Yield the offsets that are done.

    Foreign metadata (an operator's reset, another tool's) yields nothing: that work is repeated.
    """
    if not metadata.startswith(_VERSION):
        return
    try:
        bitmap = base64.b64decode(metadata.removeprefix(_VERSION), validate=True)
    except ValueError:  # not base64 (binascii.Error is a ValueError), or not ASCII
        return
    for index, byte in enumerate(bitmap):
        yield from (watermark + index * 8 + bit for bit in range(8) if byte >> bit & 1)
