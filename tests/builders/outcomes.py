"""Requests of a campaign as the index has them: one of every outcome, and one that waits."""

import hashlib
from datetime import UTC, datetime

from seedcast.codec import encode_json
from seedcast.schemas.messages import Rendition, RequestError, SpeechResult, Status
from seedcast.storage.index.indexed import IndexedRequest

ENDED = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


def a_rendition(
    profile: str = "phone", data: bytes = b"audio", uri: str = "s3://b/k.ogg"
) -> Rendition:
    return Rendition(
        profile=profile,
        uri=uri,
        format="ogg-opus",
        sample_rate=16_000,
        duration=2.5,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def a_result(
    number: int,
    status: Status = "succeeded",
    own_id: str | None = "",
    renditions: tuple[Rendition, ...] | None = None,
    message: str = "too late",
) -> SpeechResult:
    """`own_id`: "" is one made of the number, None is none."""
    spoken = status == "succeeded"
    own_id = f"n-{number}" if own_id == "" else own_id
    error = RequestError(code="engine_error" if status == "failed" else status, message=message)  # type: ignore[arg-type]
    return SpeechResult(
        request_id=f"request-{number:05d}",
        campaign_id="night",
        status=status,
        renditions=((a_rendition(),) if renditions is None else renditions) if spoken else (),
        error=None if spoken else error,
        metadata={} if own_id is None else {"id": own_id},
    )


def indexed(result: SpeechResult, row: int | None) -> IndexedRequest:
    error = result.error
    return IndexedRequest(
        campaign_id=result.campaign_id or "",
        request_id=result.request_id,
        row=row,
        own_id=result.metadata.get("id"),
        status=result.status,
        error_code=error.code if error else None,
        duration=result.renditions[0].duration if result.renditions else None,
        ended_at=ENDED,
        manifest=encode_json(result),
    )


def waiting(number: int, row: int | None = None) -> IndexedRequest:
    return IndexedRequest(
        campaign_id="night",
        request_id=f"request-{number:05d}",
        row=number if row is None else row,
        own_id=f"n-{number}",
    )


def every_outcome() -> list[IndexedRequest]:
    """Return rows 1 to 5: spoken for two profiles, failed, expired, cancelled, and waiting."""
    two = (a_rendition("phone"), a_rendition("wav", b"waveform", "s3://b/k.wav"))
    found = [a_result(1, renditions=two)]
    found += [a_result(n, s) for n, s in ((2, "failed"), (3, "expired"), (4, "cancelled"))]  # type: ignore[arg-type]
    return [*(indexed(result, row) for row, result in enumerate(found, 1)), waiting(5)]
