"""Which offsets of one partition are done, when work ends out of order. Pure.

The watermark (every offset below it is done) is committed as the group's offset, and what is done
above it as a bitmap in the offset's metadata. A new owner starts at the watermark and skips what
the bitmap has.
"""

from seedcast.kafka.offset_bitmap import MAX_BITS, MAX_METADATA, decode, encode

__all__ = ["MAX_BITS", "MAX_METADATA", "Ledger"]


class Ledger:
    """Belongs to one (partition, assignment): never carried over to the next."""

    def __init__(self, watermark: int, metadata: str = "") -> None:
        self._watermark = watermark
        self._position = watermark  # the next offset to be read
        self._open: set[int] = set()  # taken, not finished
        self._inherited = set(
            decode(watermark, metadata)
        )  # done by an earlier owner, not read again yet

    def take(self, offset: int) -> bool:
        """Whether the offset is still to be done. Offsets that were passed over do not exist in the log.

        Raises ValueError where offsets do not ascend.
        """
        if offset < self._position:
            raise ValueError(
                f"offset {offset} was already taken; expected {self._position} or higher"
            )
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
        return self._watermark, encode(self._watermark, [*done, *self._inherited])

    def _advance(self) -> None:
        if not self._open:
            self._watermark = self._position
        while self._watermark < self._position and self._watermark not in self._open:
            self._watermark += 1
