"""Campaign ids and request ids: the same campaign and row always give the same request id."""

import hashlib

import msgspec

from seedcast.errors import InvalidInput
from seedcast.schemas.messages import CampaignId


def campaign_id(name: str) -> str:
    """Return the name if it is a valid campaign id. Raises InvalidInput."""
    try:
        return msgspec.convert(name, CampaignId)
    except msgspec.ValidationError:
        raise InvalidInput(
            "campaign",
            expected="1 to 64 letters, digits, '.', '_' and '-', the first a letter or a digit",
            got=repr(name)[:100],
        ) from None


def request_id(campaign: str, identity: str) -> str:
    """Return the request id of a row.

    `identity`: the value of the row's id column, or its number if the list has no id column.
    """
    return RequestIds(campaign).derive(identity)


class RequestIds:
    """Request ids of one campaign. The campaign's part of the hash is computed once."""

    def __init__(self, campaign: str) -> None:
        # A campaign id holds no line feed, so campaign and identity cannot run into each other.
        self._campaign_hash = hashlib.sha256(f"{campaign}\n".encode())

    def derive(self, identity: str) -> str:
        """Return the first 32 hex digits of SHA-256 over campaign, line feed and identity."""
        hasher = self._campaign_hash.copy()
        hasher.update(identity.encode("utf-8", "surrogatepass"))
        return hasher.hexdigest()[:32]
