"""Requests to test with."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from seedcast.codec import encode_json
from seedcast.schemas.messages import SpeechRequest

_BASE = SpeechRequest(
    request_id="request-1",
    campaign_id="night",
    text="Your order leaves today.",
    voice_seed=2222,
    profiles=("telephony",),
    submitted_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def a_request(**changes: object) -> SpeechRequest:
    return msgspec.structs.replace(_BASE, **changes)


def numbered(number: int, **changes: object) -> SpeechRequest:
    """Return a request whose id and text have this number; four voices take turns."""
    return a_request(
        request_id=f"request-{number:05d}",
        text=f"This is message number {number}, thank you.",
        voice_seed=number % 4,
        **changes,
    )


def as_records(requests: Iterable[SpeechRequest]) -> list[tuple[bytes, bytes]]:
    """Return a key and a value for each request; the keys are equal."""
    return [(b"7", encode_json(request)) for request in requests]
