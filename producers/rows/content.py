"""A request as it is sent: its bytes, its identity of content, and what must hold for one that a caller made. Pure."""

import hashlib
import re
from collections.abc import Collection
from datetime import UTC, datetime

import msgspec

from schemas.messages import SpeechRequest
from schemas.topics import KIB, REQUESTS
from seedcast.catalog import text
from seedcast.codec import decode_request, encode_json
from seedcast.errors import InvalidRequest, InvalidRow, Undecodable

MAX_BYTES = (
    REQUESTS.max_bytes - 16 * KIB
)  # key, headers and the batch around a record count towards the topic's limit
_EPOCH = datetime.fromtimestamp(0, UTC)
_canonical = msgspec.json.Encoder(order="sorted")


def encode(row: int, request: SpeechRequest) -> bytes:
    """As it travels. Raises InvalidRow where it is larger than the topic takes."""
    value = encode_json(request)
    if len(value) > MAX_BYTES:
        raise InvalidRow(
            row,
            "",
            expected=f"at most {MAX_BYTES:,} bytes as JSON, metadata included",
            got=f"{len(value):,}",
        )
    return value


def digest(request: SpeechRequest) -> bytes:
    """SHA-256 of what was asked for: without the moment of submission, and without the row's place in the file."""
    metadata = {name: value for name, value in request.metadata.items() if name != "row"}
    return hashlib.sha256(
        _canonical.encode(msgspec.structs.replace(request, submitted_at=_EPOCH, metadata=metadata))
    ).digest()


def check_deadline(row: int, request: SpeechRequest, now: datetime) -> None:
    """Raises InvalidRow where the deadline is past."""
    if request.deadline is not None and request.deadline <= now:
        raise InvalidRow(
            row,
            "deadline",
            expected=f"a moment after {now.isoformat(timespec='seconds')}",
            got=request.deadline.isoformat(),
        )


def check_request(
    row: int, request: SpeechRequest, campaign: str, profiles: Collection[str]
) -> SpeechRequest:
    """Python's constructor validates nothing, so it is judged as its reader will. Raises InvalidRow."""
    try:
        checked = decode_request(encode_json(request))
    except (InvalidRequest, Undecodable, TypeError, ValueError) as error:
        got = error.got if isinstance(error, InvalidRequest | Undecodable) else type(error).__name__
        named = re.search(r"\$\.(\w+)", got)
        raise InvalidRow(
            row,
            named[1] if named else "request_id",
            expected="the schema of SpeechRequest",
            got=got,
        ) from None
    if checked.campaign_id != campaign:
        raise InvalidRow(row, "campaign_id", expected=campaign, got=checked.campaign_id)
    if unknown := [name for name in checked.profiles if name not in profiles]:
        raise InvalidRow(
            row,
            "profiles",
            expected=f"profiles of {', '.join(sorted(profiles))}",
            got=", ".join(unknown),
        )
    if problem := text.problem(checked.text):
        raise InvalidRow(row, "text", expected=problem[0], got=problem[1])
    return checked
