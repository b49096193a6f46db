"""Messages and waveforms to bytes and back; the only place that knows the wire formats."""

import hashlib
import hmac
import io
import re
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import soundfile

from schemas.messages import (
    Campaign,
    CampaignId,
    Metadata,
    Rejected,
    RequestError,
    RequestId,
    SpeechRequest,
    SpeechResult,
    Synthesis,
    VoiceLock,
)
from seedcast.errors import InvalidRequest, Undecodable

_MALFORMED = (
    msgspec.DecodeError,
    UnicodeDecodeError,
    RecursionError,
)  # what a decoder of msgspec raises

Waveform = npt.NDArray[np.int16]  # (samples,), mono, little-endian

_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder()
_request = msgspec.json.Decoder(SpeechRequest)
_result = msgspec.json.Decoder(SpeechResult)
_campaign = msgspec.json.Decoder(Campaign)
_voice_lock = msgspec.json.Decoder(VoiceLock)
_synthesis = msgspec.msgpack.Decoder(Synthesis)
_campaign_id = msgspec.json.Decoder(CampaignId)
_metadata = msgspec.json.Decoder(Metadata)


class _Identity(msgspec.Struct):
    """The least that must be readable for a request to get a result. The rest is kept raw, since it may be anything, invalid UTF-8 too."""

    request_id: RequestId
    campaign_id: msgspec.Raw = msgspec.Raw(b"null")
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


_identities = msgspec.json.Decoder(_Identity)


def encode_json(message: SpeechRequest | SpeechResult | Campaign | VoiceLock) -> bytes:
    return _json.encode(message)


def encode_synthesis(message: Synthesis) -> bytes:
    return _msgpack.encode(message)


def decode_request(value: bytes) -> SpeechRequest:
    """Raises InvalidRequest where the request id is readable, else Undecodable."""
    try:
        return _request.decode(value)
    except _MALFORMED as error:
        if _identity(value) is None:
            raise Undecodable(
                "record is not a SpeechRequest", expected="JSON with a request_id", got=_safe(error)
            ) from error
        raise InvalidRequest(
            "invalid_request",
            "record is not a SpeechRequest",
            expected="the schema of SpeechRequest",
            got=_safe(error),
        ) from error


def rejection(value: bytes, error: InvalidRequest) -> Rejected:
    """The outcome of a request whose id alone is sure; other fields are kept where they are sound. Raises Undecodable where it is not."""
    if (identity := _identity(value)) is None:
        raise Undecodable(
            "record is not a SpeechRequest", expected="JSON with a request_id", got=error.got
        )
    return Rejected(
        request_id=identity.request_id,
        campaign_id=_sound(_campaign_id, identity.campaign_id),
        status="failed",
        error=RequestError(code=error.code, message=str(error)),
        metadata=_sound(_metadata, identity.metadata) or {},
    )


def decode_synthesis(value: bytes) -> Synthesis:
    return _decode(_synthesis, value, "Synthesis")  # type: ignore[no-any-return]


def decode_result(value: bytes) -> SpeechResult:
    return _decode(_result, value, "SpeechResult")  # type: ignore[no-any-return]


def decode_campaign(value: bytes) -> Campaign:
    return _decode(_campaign, value, "Campaign")  # type: ignore[no-any-return]


def decode_voice_lock(value: bytes) -> VoiceLock:
    return _decode(_voice_lock, value, "VoiceLock")  # type: ignore[no-any-return]


def quantise(samples: npt.NDArray[np.floating[Any]]) -> tuple[Waveform, int]:
    """Float in -1 … 1 to int16: clip(x) · 32767, rounded half to even. Also counts clipped samples."""
    clipped = int(np.count_nonzero(np.abs(samples) > 1.0))
    return np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2"), clipped


def pcm(waveform: Waveform) -> bytes:
    return waveform.astype("<i2", copy=False).tobytes()


def waveform_sha256(waveform: Waveform) -> str:
    return hashlib.sha256(pcm(waveform)).hexdigest()


def text_digest(text: str, key: bytes) -> str:
    """HMAC-SHA-256 of the text, in hex: a plain hash of a short text could be guessed."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def encode_flac(waveform: Waveform, sample_rate: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def decode_flac(flac: bytes) -> tuple[Waveform, int]:
    """Returns the waveform and its sample rate in Hz. Raises Undecodable."""
    try:
        waveform, sample_rate = soundfile.read(io.BytesIO(flac), dtype="int16")
    except soundfile.LibsndfileError as error:
        raise Undecodable(
            "waveform is not FLAC", got=error.error_string
        ) from error  # str(error) holds an address: other bytes each time
    if waveform.ndim != 1:
        raise Undecodable("waveform is not mono", expected="1 channel", got=str(waveform.shape[1]))
    return waveform, sample_rate


def _identity(value: bytes) -> _Identity | None:
    return _sound(_identities, value)  # type: ignore[no-any-return]


def _sound(decoder: Any, value: bytes | msgspec.Raw) -> Any:
    try:
        return decoder.decode(value)
    except _MALFORMED:
        return None


def _decode(decoder: Any, value: bytes, name: str) -> Any:
    try:
        return decoder.decode(value)
    except _MALFORMED as error:
        raise Undecodable(f"record is not a {name}", got=_safe(error)) from error


def _safe(error: Exception) -> str:
    """A decoder's message without the values it quotes: they may be somebody's text."""
    return (
        re.sub(r"""['"].*['"]""", "…", str(error), flags=re.DOTALL)
        if isinstance(error, msgspec.ValidationError)
        else type(error).__name__
    )
