"""Which offsets of one partition are done, when work ends out of order. Pure.

The watermark (every offset below it is done) is committed as the group's offset, and what is done
above it as a bitmap in the offset's metadata. A new owner starts at the watermark and skips what
the bitmap has. Kafka takes 4,095 bytes of metadata; a bitmap cut to fit only repeats work.
"""

import base64
import binascii
from collections.abc import Iterator

_VERSION = "1:"
MAX_METADATA = 4095  # bytes; a broker's default limit is 4,096, exclusive (measured)
MAX_BITS = (MAX_METADATA - len(_VERSION)) // 4 * 3 * 8


class Ledger:
    """Belongs to one (partition, assignment): never carried over to the next."""

    def __init__(self, watermark: int, metadata: str = "") -> None:
        self._watermark = watermark
        self._position = watermark  # the next offset to be read
        self._open: set[int] = set()  # taken, not finished
        self._inherited = set(_offsets(watermark, metadata))  # done by an earlier owner, not read again yet

    def take(self, offset: int) -> bool:
        """Whether the offset is still to be done. Offsets that were passed over do not exist in the log.

        Raises ValueError where offsets do not ascend.
        """
        if offset < self._position:
            raise ValueError(f"offset {offset} was already taken; expected {self._position} or higher")
        self._position = offset + 1
        if offset in self._inherited:
            self._inherited.discard(offset)
            self._advance()
            return False
        self._open.add(offset)
        self._advance()
        return True

    def finish(self, offset: int) -> None:
        """Raises KeyError where the offset is not being worked on."""
        self._open.remove(offset)
        self._advance()

    @property
    def watermark(self) -> int:
        return self._watermark

    @property
    def span(self) -> int:
        """How far reading runs ahead of the watermark, in offsets."""
        return self._position - self._watermark

    def checkpoint(self) -> tuple[int, str]:
        """What to commit: the watermark and the metadata that a new owner continues from."""
        done = [o for o in range(self._watermark + 1, self._position) if o not in self._open]
        return self._watermark, _metadata(self._watermark, [*done, *self._inherited])

    def _advance(self) -> None:
        if not self._open:
            self._watermark = self._position
        while self._watermark < self._position and self._watermark not in self._open:
            self._watermark += 1


def _metadata(watermark: int, done: list[int]) -> str:
    bits = [offset - watermark for offset in done if 0 <= offset - watermark < MAX_BITS]
    if not bits:
        return ""
    bitmap = bytearray(max(bits) // 8 + 1)
    for bit in bits:
        bitmap[bit // 8] |= 1 << bit % 8
    return _VERSION + base64.b64encode(bitmap).decode()


def _offsets(watermark: int, metadata: str) -> Iterator[int]:
    """Metadata that is not ours (an operator's reset, another tool) means that nothing is known."""
    if not metadata.startswith(_VERSION):
        return
    try:
        bitmap = base64.b64decode(metadata.removeprefix(_VERSION), validate=True)
    except binascii.Error:
        return
    for index, byte in enumerate(bitmap):
        yield from (watermark + index * 8 + bit for bit in range(8) if byte >> bit & 1)
