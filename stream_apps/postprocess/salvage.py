"""Saves the request id of an audio record that cannot be decoded, so that it gets a result."""

import msgspec

from seedcast.errors import Undecodable
from seedcast.schemas.messages import CampaignId, RequestError, RequestId, SpeechResult

# What decoding anything at all may raise; msgspec's ValidationError is a DecodeError.
_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, AttributeError)


class _Identity(msgspec.Struct):
    request_id: RequestId
    campaign_id: CampaignId | None = None


class _RequestIdOnly(msgspec.Struct):  # for a record whose campaign id is invalid
    request_id: RequestId


def salvage(value: bytes, error: Undecodable) -> SpeechResult:
    """Return a failed result if at least the request id can be read; else raise `error`."""
    try:
        fields = msgspec.msgpack.decode(value)
        fields = fields.get("request", fields)
        found = _identity(fields)
    except _MALFORMED:
        raise error from None
    message = RequestError(code="corrupt_audio", message=str(error))
    return SpeechResult(
        request_id=found.request_id, campaign_id=found.campaign_id, status="failed", error=message
    )


def _identity(fields: object) -> _Identity:
    try:
        return msgspec.convert(fields, _Identity)
    except msgspec.ValidationError:
        return _Identity(msgspec.convert(fields, _RequestIdOnly).request_id)
