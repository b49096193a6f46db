"""Encodes messages and waveforms, and decodes them. No other module knows the wire formats.

NumPy and soundfile are loaded with the first waveform: who submits a list, or reads results, has
none.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import re
from typing import TYPE_CHECKING, Any

import msgspec

from seedcast.errors import InvalidRequest, Undecodable
from seedcast.schemas.messages import (
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

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import soundfile

    Waveform = npt.NDArray[np.int16]  # (samples,), mono, little-endian
else:

    def __getattr__(name: str) -> Any:
        """Make Waveform when it is first imported."""
        if name != "Waveform":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import numpy as np
        import numpy.typing as npt

        return globals().setdefault(name, npt.NDArray[np.int16])


# what msgspec's decoders raise
_DECODING_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

MAX_SAMPLES = 3600 * 48_000  # an hour at 48 kHz, as long as the longest text takes

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
    """The part of a request that is needed to answer it.

    Only the id must be readable. The other fields stay raw: they may hold anything, even
    invalid UTF-8.
    """

    request_id: RequestId
    campaign_id: msgspec.Raw = msgspec.Raw(b"null")
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


_identities = msgspec.json.Decoder(_Identity)


def encode_json(message: SpeechRequest | SpeechResult | Campaign | VoiceLock) -> bytes:
    return _json.encode(message)


def encode_synthesis(message: Synthesis) -> bytes:
    return _msgpack.encode(message)


def decode_request(value: bytes) -> SpeechRequest:
    """Raises InvalidRequest if the request id is readable, else Undecodable."""
    try:
        return _request.decode(value)
    except _DECODING_ERRORS as error:
        got = _message_without_values(error)
        if _identity(value) is None:
            raise _no_request_id(got) from error
        raise InvalidRequest(
            "invalid_request",
            "record is not a SpeechRequest",
            expected="the schema of SpeechRequest",
            got=got,
        ) from error


def rejection(value: bytes, error: InvalidRequest) -> Rejected:
    """Answers a request that may be readable only in part.

    Keeps its campaign id and metadata if these are valid. Raises Undecodable if the request id is
    not readable.
    """
    if (identity := _identity(value)) is None:
        raise _no_request_id(error.got)
    return Rejected(
        request_id=identity.request_id,
        campaign_id=_decode_or_none(_campaign_id, identity.campaign_id),
        status="failed",
        error=RequestError(code=error.code, message=str(error)),
        metadata=_decode_or_none(_metadata, identity.metadata) or {},
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
    """Converts floats from -1 to 1 to int16: clip(x) · 32767, rounded half to even.

    Returns the waveform, and the number of samples that were clipped.
    """
    import numpy as np

    clipped = int(np.count_nonzero(np.abs(samples) > 1.0))
    return np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2"), clipped


def pcm(waveform: Waveform) -> bytes:
    return waveform.astype("<i2", copy=False).tobytes()


def waveform_sha256(waveform: Waveform) -> str:
    return hashlib.sha256(pcm(waveform)).hexdigest()


def text_digest(text: str, key: bytes) -> str:
    """Returns the HMAC-SHA-256 of the text, in hex.

    It is keyed, because the text behind a plain hash could be found by guessing short texts.
    """
    return hmac.digest(key, text.encode(), "sha256").hex()


def encode_flac(waveform: Waveform, sample_rate: int) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def decode_flac(flac: bytes) -> tuple[Waveform, int]:
    """Return the waveform and its sample rate in Hz. Raises Undecodable."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(flac)) as file:
            _check_flac_header(file)
            return file.read(dtype="int16"), file.samplerate
    except soundfile.LibsndfileError as error:
        # str(error) contains a memory address, so it would differ each time.
        raise Undecodable("waveform is not FLAC", got=error.error_string) from error


def _check_flac_header(file: soundfile.SoundFile) -> None:
    """Raises Undecodable before memory is allocated: a damaged header may claim any length."""
    if file.channels != 1:
        raise Undecodable("waveform is not mono", expected="1 channel", got=str(file.channels))
    if file.frames > MAX_SAMPLES:
        expected, got = f"at most {MAX_SAMPLES:,} samples", f"{file.frames:,}"
        raise Undecodable("waveform is too long", expected=expected, got=got)


def _identity(value: bytes) -> _Identity | None:
    return _decode_or_none(_identities, value)  # type: ignore[no-any-return]


def _no_request_id(got: str) -> Undecodable:
    return Undecodable("record is not a SpeechRequest", expected="JSON with a request_id", got=got)


def _decode_or_none(decoder: Any, value: bytes | msgspec.Raw) -> Any:
    try:
        return decoder.decode(value)
    except _DECODING_ERRORS:
        return None


def _decode(decoder: Any, value: bytes, name: str) -> Any:
    try:
        return decoder.decode(value)
    except _DECODING_ERRORS as error:
        got = _message_without_values(error)
        raise Undecodable(f"record is not a {name}", got=got) from error


def _message_without_values(error: Exception) -> str:
    """Returns the decoder's message without the values it quotes: they may be personal data."""
    if isinstance(error, msgspec.ValidationError):
        return re.sub(r"""['"].*['"]""", "…", str(error), flags=re.DOTALL)
    return type(error).__name__
