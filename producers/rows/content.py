"""The content of a request: its bytes, its digest, its checks if a caller made it. Pure."""

import hashlib
import re
from collections.abc import Collection
from datetime import UTC, datetime

import msgspec

from seedcast.catalog import text
from seedcast.codec import decode_request, encode_json
from seedcast.errors import InvalidRequest, InvalidRow, Undecodable
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.topics import KIB, REQUESTS

# Key, headers and the batch around a record count towards the topic's limit, too.
MAX_BYTES = REQUESTS.max_bytes - 16 * KIB
_EPOCH = datetime.fromtimestamp(0, UTC)
_canonical = msgspec.json.Encoder(order="sorted")


def encode(row: int, request: SpeechRequest) -> bytes:
    """Return the request as JSON. Raises InvalidRow if it is larger than the topic accepts."""
    value = encode_json(request)
    if len(value) > MAX_BYTES:
        expected = f"at most {MAX_BYTES:,} bytes as JSON, metadata included"
        raise InvalidRow(row, "", expected=expected, got=f"{len(value):,}")
    return value


def digest(request: SpeechRequest) -> bytes:
    """Return SHA-256 of what was asked for.

    The time of submission and the row's number in the file do not count.
    """
    metadata = request.metadata.copy()
    metadata.pop("row", None)
    content = msgspec.structs.replace(request, submitted_at=_EPOCH, metadata=metadata)
    if request.text_format == "plain":  # as if it were not said
        content = msgspec.structs.replace(content, text_format=msgspec.UNSET)
    return hashlib.sha256(_canonical.encode(content)).digest()


def check_deadline(row: int, request: SpeechRequest, now: datetime) -> None:
    """Raises InvalidRow if the deadline is past."""
    if request.deadline is not None and request.deadline <= now:
        expected = f"a time after {now.isoformat(timespec='seconds')}"
        raise InvalidRow(row, "deadline", expected=expected, got=request.deadline.isoformat())


def check_request(
    row: int, request: SpeechRequest, campaign: str, profiles: Collection[str]
) -> SpeechRequest:
    """Return a request that the caller made, checked as its reader will check it.

    Python's constructor validates nothing. Raises InvalidRow.
    """
    checked = _decoded(row, request)
    if checked.campaign_id != campaign:
        raise InvalidRow(row, "campaign_id", expected=campaign, got=checked.campaign_id)
    if unknown := [name for name in checked.profiles if name not in profiles]:
        expected = f"profiles of {', '.join(sorted(profiles))}"
        raise InvalidRow(row, "profiles", expected=expected, got=", ".join(unknown))
    if problem := text.problem_of(checked):
        raise InvalidRow(row, "text", expected=problem.expected, got=problem.got)
    return checked


def _decoded(row: int, request: SpeechRequest) -> SpeechRequest:
    try:
        return decode_request(encode_json(request))
    except (InvalidRequest, Undecodable, TypeError, ValueError) as error:
        got = error.got if isinstance(error, InvalidRequest | Undecodable) else type(error).__name__
        field = re.search(r"\$\.(\w+)", got)
        raise InvalidRow(
            row,
            field[1] if field else "request_id",
            expected="the schema of SpeechRequest",
            got=got,
        ) from None
