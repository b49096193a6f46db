"""A finished night, broken on purpose: each fault once, on a request of its own, and what the audit must call it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from msgspec.structs import replace

from benchmarks.night.fabricate import Night
from benchmarks.night.records import CONTENT_TYPE, PROFILE, data_of, key_of
from schemas.messages import RequestError, SpeechRequest, SpeechResult
from storage.objects import object_key

Deed = Callable[
    [Night, SpeechRequest], str
]  # returns what the audit must name: a request's id, or an object's address


@dataclass(frozen=True)
class Expected:
    """One finding that the audit owes."""

    broken: str  # in words
    finding: str  # by the audit's own name
    names: str


def spoil(night: Night) -> tuple[Expected, ...]:
    victims = islice(night.requests(), len(FAULTS))
    return tuple(
        Expected(broken, finding, deed(night, victim))
        for (broken, (finding, deed)), victim in zip(FAULTS.items(), victims, strict=True)
    )


def _remove_object(night: Night, request: SpeechRequest) -> str:
    uri = night.uri_of(request.request_id)
    night.store.delete(uri)
    return uri


def _alter_object(night: Night, request: SpeechRequest) -> str:
    data = data_of(request.request_id)
    return night.store.put(
        key_of(night.campaign, request.request_id), data[:-1] + bytes([data[-1] ^ 1]), CONTENT_TYPE
    )


def _shorten_object(night: Night, request: SpeechRequest) -> str:
    return night.store.put(
        key_of(night.campaign, request.request_id), data_of(request.request_id)[:-1], CONTENT_TYPE
    )


def _add_object(night: Night, request: SpeechRequest) -> str:
    return night.store.put(object_key(night.campaign, "ab" * 32, "wav"), b"nobody's", CONTENT_TYPE)


def _repeat_other_waveform(night: Night, request: SpeechRequest) -> str:
    result = night.result_of(request)
    return _deliver(
        night,
        replace(
            result, receipt=result.receipt and replace(result.receipt, waveform_sha256="0" * 64)
        ),
    )


def _repeat_other_rendition(night: Night, request: SpeechRequest) -> str:
    result = night.result_of(request)
    return _deliver(
        night,
        replace(
            result,
            renditions=tuple(
                replace(rendition, profile=f"{PROFILE}-2") for rendition in result.renditions
            ),
        ),
    )


def _end_unaccepted(night: Night, request: SpeechRequest) -> str:
    error = RequestError(code="engine_error", message="nobody asked")
    return _deliver(
        night,
        SpeechResult(
            request_id=f"{request.request_id}-x",
            campaign_id=night.campaign,
            status="failed",
            error=error,
        ),
    )


def _deliver(night: Night, result: SpeechResult) -> str:
    night.end([result])
    return result.request_id


FAULTS: dict[str, tuple[str, Deed]] = {
    "an object is removed": ("missing_object", _remove_object),
    "a byte of an object is altered": ("wrong_sha256", _alter_object),
    "a byte of an object is cut off": ("wrong_size", _shorten_object),
    "an object is added that no manifest names": ("orphan", _add_object),
    "a result is repeated with another waveform's hash": ("other_waveform", _repeat_other_waveform),
    "a result is repeated with another rendition": ("other_renditions", _repeat_other_rendition),
    "a result is added that nobody asked for": ("unaccepted", _end_unaccepted),
}
