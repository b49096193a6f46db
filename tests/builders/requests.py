"""Requests to test with."""

from datetime import UTC, datetime

import msgspec

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
