"""Faults in a finished night, each made once on its own request, and what the audit must find."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from msgspec.structs import replace

from benchmarks.night.fabricate import Night
from benchmarks.night.records import CONTENT_TYPE, PROFILE, data_of, key_of
from seedcast.schemas.messages import RequestError, SpeechRequest, SpeechResult
from seedcast.storage.objects import object_key

# Returns what the audit must name: a request's id, or an object's URI.
Fault = Callable[[Night, SpeechRequest], str]


@dataclass(frozen=True)
class ExpectedFinding:
    """One finding that the audit must have."""

    fault: str  # in words
    finding: str  # its name in the audit's report
    example: str  # an id or a URI that it must name; "": it has no examples


def break_night(night: Night) -> tuple[ExpectedFinding, ...]:
    """Apply every fault, each to another request."""
    requests = islice(night.requests(), len(FAULTS))
    return tuple(
        ExpectedFinding(words, finding, fault(night, request))
        for (words, (finding, fault)), request in zip(FAULTS.items(), requests, strict=True)
    )


def _remove_object(night: Night, request: SpeechRequest) -> str:
    uri = night.uri_of(request.request_id)
    night.store.delete(uri)
    return uri


def _alter_object(night: Night, request: SpeechRequest) -> str:
    data = data_of(request.request_id)
    altered = data[:-1] + bytes([data[-1] ^ 1])
    return _replace_object(night, request, altered)


def _shorten_object(night: Night, request: SpeechRequest) -> str:
    return _replace_object(night, request, data_of(request.request_id)[:-1])


def _add_object(night: Night, request: SpeechRequest) -> str:
    return night.store.put(object_key(night.campaign, "ab" * 32, "wav"), b"nobody's", CONTENT_TYPE)


def _repeat_other_waveform(night: Night, request: SpeechRequest) -> str:
    result = night.result_of(request)
    receipt = result.receipt and replace(result.receipt, waveform_sha256="0" * 64)
    return _deliver(night, replace(result, receipt=receipt))


def _repeat_other_rendition(night: Night, request: SpeechRequest) -> str:
    result = night.result_of(request)
    renditions = tuple(replace(each, profile=f"{PROFILE}-2") for each in result.renditions)
    return _deliver(night, replace(result, renditions=renditions))


def _end_stray(night: Night, request: SpeechRequest) -> str:
    result = SpeechResult(
        request_id=f"{request.request_id}-x",
        campaign_id=night.campaign,
        status="failed",
        error=RequestError(code="engine_error", message="nobody asked"),
    )
    return _deliver(night, result)


def _replace_object(night: Night, request: SpeechRequest, data: bytes) -> str:
    return night.store.put(key_of(night.campaign, request.request_id), data, CONTENT_TYPE)


def _deliver(night: Night, result: SpeechResult) -> str:
    night.end([result])
    return result.request_id


FAULTS: dict[str, tuple[str, Fault]] = {  # by words: the finding's name, and how to cause it
    "an object is removed": ("missing_object", _remove_object),
    "a byte of an object is altered": ("wrong_sha256", _alter_object),
    "a byte of an object is cut off": ("wrong_size", _shorten_object),
    "an object is added that no manifest names": ("orphan", _add_object),
    "a result is repeated with another waveform's hash": ("other_waveform", _repeat_other_waveform),
    "a result is repeated with another rendition": ("other_renditions", _repeat_other_rendition),
    "a result is added that nobody asked for": ("stray", _end_stray),
}
