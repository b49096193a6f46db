"""Decides what happens to a record or an utterance. Pure: sends nothing."""

import msgspec

from seedcast.campaigns.campaign_state import CANCELLED
from seedcast.catalog import text
from seedcast.catalog.profiles import Profiles, check_names
from seedcast.codec import decode_request, rejection
from seedcast.errors import InvalidRequest, Undecodable
from seedcast.gpu_consumers.engines import Engine, Utterance
from seedcast.gpu_consumers.longest_speech import longest_speech, waveform_room
from seedcast.schemas.messages import RawAudio, Rejected, RequestError, SpeechRequest, Synthesis
from seedcast.waveforms import encode_flac, waveform_sha256


def of_record(value: bytes, profiles: Profiles) -> SpeechRequest | Rejected | Undecodable:
    """Return the request, if it can be spoken.

    A wrong one with a readable id gives its rejection, any other record the reason of a dead
    letter.
    """
    try:
        request = decode_request(value)
        validate(request, profiles)
    except InvalidRequest as error:
        return rejection(value, error)
    except Undecodable as error:
        return error
    return request


def of_utterance(
    request: SpeechRequest, utterance: Utterance, engine: Engine, record_bytes: int
) -> Synthesis:
    """Return the audio record of an utterance, or a rejection.

    That is for an utterance without a waveform, and for one whose waveform fits no record of
    `record_bytes`.
    """
    if utterance.waveform is None:
        error = utterance.error or RequestError(
            code="engine_error", message="the engine gave neither a waveform nor a reason"
        )
        return _rejected(request, error)
    flac = encode_flac(utterance.waveform, engine.sample_rate)
    if len(flac) > waveform_room(record_bytes):
        seconds = len(utterance.waveform) / engine.sample_rate
        return _too_long(request, seconds, longest_speech(record_bytes, engine.sample_rate))
    return RawAudio(
        request=request,
        flac=flac,
        sample_rate=engine.sample_rate,
        samples=len(utterance.waveform),
        clipped=utterance.clipped,
        waveform_sha256=waveform_sha256(utterance.waveform),
        engine_fingerprint=engine.fingerprint,
        draw=utterance.draw,
        unspoken=utterance.unspoken,
    )


def expired(request: SpeechRequest, now: float) -> Rejected | None:
    """Return the rejection of a request whose deadline has passed, else None.

    Post-processing judges it again. `now` is in seconds since the epoch.
    """
    if request.deadline is None or now <= request.deadline.timestamp():
        return None
    message = f"expected synthesis to begin by {request.deadline.isoformat()}"
    error = RequestError(code="expired", message=message)
    return Rejected(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        status="expired",
        error=error,
        metadata=request.metadata,
    )


def cancelled(request: SpeechRequest) -> Rejected:
    return Rejected(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        status="cancelled",
        error=CANCELLED,
        metadata=request.metadata,
    )


def too_large(request: SpeechRequest, got: str) -> Rejected:
    """Reject a request whose audio record the brokers refuse, for its metadata or their limit."""
    message = (
        f"expected a waveform, text and metadata that fit a record of the audio topic; {got}; "
        "split the text, or shorten the metadata"
    )
    return _rejected(request, RequestError(code="audio_too_large", message=message))


def without_metadata(rejected: Rejected) -> Rejected:
    """Return a rejection that fits the audio topic, whatever the request's metadata is."""
    return msgspec.structs.replace(rejected, metadata={})


def _too_long(request: SpeechRequest, seconds: float, longest: int) -> Rejected:
    message = f"expected at most {longest} s of speech, got {seconds:.0f} s; split the text"
    return _rejected(request, RequestError(code="text_too_long", message=message))


def validate(request: SpeechRequest, profiles: Profiles) -> None:
    """Raises InvalidRequest."""
    if problem := text.problem_of(request):
        raise InvalidRequest(problem.code, "field text", expected=problem.expected, got=problem.got)
    check_names(request.profiles, profiles)


def _rejected(request: SpeechRequest, error: RequestError) -> Rejected:
    return Rejected(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        status="failed",
        error=error,
        metadata=request.metadata,
    )
