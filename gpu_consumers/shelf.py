"""Which records of one parked partition are still parked, by campaign. Pure.

Per campaign it keeps one span, from the first to the last parked offset: a record of the campaign
that was read outside the span has been put back. The state grows with the number of campaigns, not
of requests, so it is committed as the offset's metadata. A new owner resumes from it; only the
records that were being put back are repeated.
"""

from dataclasses import dataclass, field

import msgspec

from seedcast.kafka.offset_state import MAX_STATE

_VERSION = "parked:"
_NONE = (0, -1)  # a span without an offset in it


class _Left(msgspec.Struct, frozen=True, array_like=True):
    """The metadata that is committed with the watermark."""

    seen: int  # the first offset that was never read
    spans: dict[str, tuple[int, int]]  # by campaign: its first and last parked offset


_left = msgspec.json.Decoder(_Left)


@dataclass
class Shelf:
    """Belongs to one assignment of one partition; never carried over to the next."""

    position: int  # the next offset to be read
    seen: int  # the first offset that was never read
    spans: dict[str, tuple[int, int]]
    # Campaigns of the records put back and not acknowledged, by offset.
    under_way: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, watermark: int, metadata: str = "") -> "Shelf":
        """Restore the state. Without readable metadata, put-back records may be repeated."""
        left = _decode(metadata) or _Left(watermark, {})
        spans = {
            campaign: (max(first, watermark), last)
            for campaign, (first, last) in left.spans.items()
            if last >= max(first, watermark)
        }
        return cls(watermark, max(left.seen, watermark), spans)

    def advance(self, offset: int, campaign: str) -> bool:
        """Advance to this record; return True if it is still parked."""
        self.position = offset + 1
        known, self.seen = offset < self.seen, max(self.seen, offset + 1)
        first, last = self.spans.get(campaign, _NONE)
        return not known or first <= offset <= last

    def leave(self, offset: int, campaign: str) -> None:
        """Leave this record parked."""
        first, last = self.spans.get(campaign, (offset, offset))
        self.spans[campaign] = min(first, offset), max(last, offset)

    def take(self, offset: int, campaign: str) -> None:
        """Start to put this record back.

        The campaign's earlier records must have been put back: a resume reads from the first.
        """
        self.under_way[offset] = campaign
        _, last = self.spans.pop(campaign, _NONE)
        if offset < last:
            self.spans[campaign] = offset + 1, last

    def finish(self, offset: int) -> None:
        """Raises KeyError if the offset is not being put back."""
        del self.under_way[offset]

    def first(self, campaign: str) -> int | None:
        """Return the offset to read a resumed campaign again from.

        None if that offset is still to come, or if nothing of the campaign is parked here.
        """
        first, _ = self.spans.get(campaign, (self.position, 0))
        return first if first < self.position else None

    def checkpoint(self) -> tuple[int, str]:
        """Return the watermark and the metadata to commit."""
        spans = dict(self.spans)
        for offset, campaign in self.under_way.items():
            first, last = spans.get(campaign, (offset, offset))
            spans[campaign] = min(first, offset), max(last, offset)
        watermark = min([self.seen, *(first for first, _ in spans.values())])
        if not spans:
            return watermark, ""
        metadata = _VERSION + msgspec.json.encode(_Left(self.seen, spans)).decode()
        return watermark, metadata if len(metadata.encode()) <= MAX_STATE else ""


def _decode(metadata: str) -> _Left | None:
    try:
        return (
            _left.decode(metadata.removeprefix(_VERSION)) if metadata.startswith(_VERSION) else None
        )
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
