"""What of one parked partition still lies there, by campaign. Pure.

A campaign's parked records lie between a first and a last offset, and what was read of it outside has left. So what is kept
grows with the campaigns that are paused, not with their requests, and it fits the offset's metadata: a new owner
goes on exactly where the last one was, but for what was under way.
"""

from dataclasses import dataclass, field

import msgspec

from seedcast.kafka.offset_bitmap import MAX_METADATA

_VERSION = "parked:"
_NONE = (0, -1)  # a span without an offset in it


class _Left(msgspec.Struct, frozen=True, array_like=True):
    """What is committed with the watermark."""

    seen: int  # the first offset that was never read
    spans: dict[str, tuple[int, int]]  # by campaign: its first and last parked offset


_left = msgspec.json.Decoder(_Left)


@dataclass
class Shelf:
    """Belongs to one (partition, assignment): never carried over to the next."""

    position: int  # the next offset to be read
    seen: int  # the first offset that was never read
    spans: dict[str, tuple[int, int]]
    under_way: dict[int, str] = field(
        default_factory=dict
    )  # put back, not acknowledged: the campaign, by offset

    @classmethod
    def of(cls, watermark: int, metadata: str = "") -> "Shelf":
        """Metadata that is not ours means that nothing is known: what was put back behind the watermark is put back again."""
        left = _decode(metadata) or _Left(watermark, {})
        spans = {
            campaign: (max(first, watermark), last)
            for campaign, (first, last) in left.spans.items()
            if last >= max(first, watermark)
        }
        return cls(watermark, max(left.seen, watermark), spans)

    def reach(self, offset: int, campaign: str) -> bool:
        """Reading has come to this record: whether it still lies here."""
        self.position = offset + 1
        known, self.seen = offset < self.seen, max(self.seen, offset + 1)
        first, last = self.spans.get(campaign, _NONE)
        return not known or first <= offset <= last

    def leave(self, offset: int, campaign: str) -> None:
        """It stays where it is."""
        first, last = self.spans.get(campaign, (offset, offset))
        self.spans[campaign] = min(first, offset), max(last, offset)

    def take(self, offset: int, campaign: str) -> None:
        """It is being put back. What its campaign has here before it must have left: whoever resumes one goes back to its first record."""
        self.under_way[offset] = campaign
        _, last = self.spans.pop(campaign, _NONE)
        if offset < last:
            self.spans[campaign] = offset + 1, last

    def finish(self, offset: int) -> None:
        """Raises KeyError where the offset is not under way."""
        del self.under_way[offset]

    def first(self, campaign: str) -> int | None:
        """Where reading has to go back to when it is resumed; None where that is still to come, or where nothing of it lies here."""
        first, _ = self.spans.get(campaign, (self.position, 0))
        return first if first < self.position else None

    def checkpoint(self) -> tuple[int, str]:
        """What to commit: the watermark and the metadata that a new owner continues from."""
        spans = dict(self.spans)
        for offset, campaign in self.under_way.items():
            first, last = spans.get(campaign, (offset, offset))
            spans[campaign] = min(first, offset), max(last, offset)
        watermark = min([self.seen, *(first for first, _ in spans.values())])
        if not spans:
            return watermark, ""
        metadata = _VERSION + msgspec.json.encode(_Left(self.seen, spans)).decode()
        return watermark, metadata if len(metadata.encode()) <= MAX_METADATA else ""


def _decode(metadata: str) -> _Left | None:
    try:
        return (
            _left.decode(metadata.removeprefix(_VERSION)) if metadata.startswith(_VERSION) else None
        )
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
