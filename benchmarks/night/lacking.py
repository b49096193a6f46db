"""Nights that never had what Kafka cannot take back: a result, an offset, a number. Each is a small campaign in a deployment of its own."""

from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.night.fabricate import Night
from benchmarks.night.spoil import Expected
from schemas.messages import Campaign, SpeechRequest
from seedcast.kafka import Producer, announce

Deed = Callable[
    [Night, list[SpeechRequest]], str
]  # returns what the audit must name; "": the finding has no examples


def lack(night: Night, broken: str, requests: int) -> Expected:
    """One of LACKS."""
    finding, deed, sealed = LACKS[broken]
    night.accept(requests, seal=sealed)
    return Expected(broken, finding, deed(night, list(night.requests())))


def _first_lacks(*, audio: bool, commit: Callable[[Night], None] | None) -> Deed:
    """The first request has no result, nor audio unless `audio`; the others have all."""

    def deed(night: Night, requests: list[SpeechRequest]) -> str:
        night.finish(requests[1:])
        if audio:
            night.speak(requests[:1])
        if commit:
            commit(night)
        return requests[0].request_id

    return deed


def _a_request(night: Night, requests: list[SpeechRequest]) -> str:
    return _sealed(night, requests, len(requests) + 1)


def _a_count(night: Night, requests: list[SpeechRequest]) -> str:
    return _sealed(night, requests, len(requests) - 1)


def _seal(night: Night, requests: list[SpeechRequest]) -> str:
    night.finish(requests)
    night.commit()
    return ""


def _sealed(night: Night, requests: list[SpeechRequest], accepted: int) -> str:
    record = Campaign(
        campaign_id=night.campaign, state="sealed", created_at=datetime.now(UTC), accepted=accepted
    )
    announce(Producer(night.settings), night.settings, record)
    return _seal(night, requests)


LACKS: dict[
    str, tuple[str, Deed, bool]
] = {  # what the audit calls it, how it comes about, and whether `submit` seals it
    "offsets are committed past audio without a result": (
        "audio_passed",
        _first_lacks(audio=True, commit=Night.commit),
        True,
    ),
    "offsets are committed past a request without audio": (
        "request_passed",
        _first_lacks(audio=False, commit=Night.commit),
        True,
    ),
    "audio is not taken yet": (
        "waiting_on_audio",
        _first_lacks(audio=True, commit=Night.commit_requests),
        True,
    ),
    "a request is not taken yet": (
        "waiting_on_requests",
        _first_lacks(audio=False, commit=None),
        True,
    ),
    "a request fewer than it was sealed with": ("fewer_than_sealed", _a_request, False),
    "a request more than it was sealed with": ("more_than_sealed", _a_count, False),
    "it was never sealed": ("not_sealed", _seal, False),
}
