"""Which offsets of one partition are done, when work ends out of order. Pure.

The watermark (every offset below it is done) is committed as the group's offset. What is done above
it is committed as a bitmap in the offset's metadata. A new owner starts at the watermark and skips
the offsets of the bitmap.
"""

from seedcast.kafka.offset_bitmap import MAX_BITS, decode, encode

__all__ = ["MAX_BITS", "Ledger"]


class Ledger:
    """Belongs to one assignment of one partition; never carried over to the next."""

    def __init__(self, watermark: int, metadata: str = "") -> None:
        self._watermark = watermark
        self._position = watermark  # the next offset to read
        self._open: set[int] = set()  # taken, not finished
        # Done by an earlier owner, and not read again yet.
        self._inherited = set(decode(watermark, metadata))

    def take(self, offset: int) -> bool:
        """Advance to this offset; return True if it is not done yet.

        Offsets that are passed over do not exist in the log. Raises ValueError if offsets do not
        ascend.
        """
        if offset < self._position:
            raise ValueError(
                f"offset {offset} was already taken; expected {self._position} or higher"
            )
        self._position = offset + 1
        done = offset in self._inherited
        (self._inherited.discard if done else self._open.add)(offset)
        self._advance()
        return not done

    def finish(self, offset: int) -> None:
        """Raises KeyError if the offset is not open."""
        self._open.remove(offset)
        self._advance()

    @property
    def watermark(self) -> int:
        return self._watermark

    @property
    def span(self) -> int:
        """How many offsets reading is ahead of the watermark."""
        return self._position - self._watermark

    def checkpoint(self) -> tuple[int, str]:
        """Return the watermark and the metadata to commit."""
        done = [o for o in range(self._watermark + 1, self._position) if o not in self._open]
        return self._watermark, encode(self._watermark, [*done, *self._inherited])

    def _advance(self) -> None:
        if not self._open:
            self._watermark = self._position
        while self._watermark < self._position and self._watermark not in self._open:
            self._watermark += 1
