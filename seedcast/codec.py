"""Encodes messages and decodes them. No other module knows their wire formats."""

import hmac
import re
from typing import Any

import msgspec

from seedcast.errors import InvalidRequest, Undecodable
from seedcast.schemas.messages import (
    Campaign,
    CampaignId,
    FeederRecord,
    Metadata,
    Rejected,
    RequestError,
    RequestId,
    SpeechRequest,
    SpeechResult,
    Synthesis,
    VoiceLock,
    Worker,
)

# what msgspec's decoders raise
_DECODING_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder()
_request = msgspec.json.Decoder(SpeechRequest)
_result = msgspec.json.Decoder(SpeechResult)
_campaign = msgspec.json.Decoder(Campaign)
_feeder_record = msgspec.json.Decoder(FeederRecord)
_worker = msgspec.json.Decoder(Worker)
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


def encode_json(
    message: SpeechRequest | SpeechResult | Campaign | FeederRecord | Worker | VoiceLock,
) -> bytes:
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


def decode_feeder_record(value: bytes) -> FeederRecord:
    return _decode(_feeder_record, value, "Cursor or FeederTerm")  # type: ignore[no-any-return]


def decode_worker(value: bytes) -> Worker:
    return _decode(_worker, value, "Worker")  # type: ignore[no-any-return]


def decode_voice_lock(value: bytes) -> VoiceLock:
    return _decode(_voice_lock, value, "VoiceLock")  # type: ignore[no-any-return]


def text_digest(request: SpeechRequest, key: bytes) -> str:
    """Returns the HMAC-SHA-256 of the text, and of its format and locale if it has any, in hex.

    It is keyed, because the text behind a plain hash could be found by guessing short texts.
    """
    marks = (request.text_format or "plain", request.locale or "")
    said = marks != ("plain", "")
    content = (
        "\0".join((request.text, *map(str, marks))) if said else request.text
    )  # NUL: in no text
    return hmac.digest(key, content.encode(), "sha256").hex()


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
