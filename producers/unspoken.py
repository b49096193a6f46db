"""What a campaign did not speak: its failed and expired requests, and what retries made of them."""

from collections.abc import Iterator

from producers.build import request_id
from schemas.messages import SpeechRequest
from seedcast.requests import read_requests
from seedcast.results import read_results
from seedcast.settings import Settings


def unspoken(settings: Settings, campaign: str) -> Iterator[tuple[str, str]]:
    """Request id and error code of each that failed or expired; its first result counts."""
    for result in read_results(settings, campaign):
        if result.status in ("failed", "expired"):
            yield result.request_id, result.error.code if result.error else result.status


def standings_in(settings: Settings, campaign: str) -> dict[str, str]:
    """What is spoken or under way, by request id; what failed again is in neither."""
    standings = {request.request_id: "under_way" for request in read_requests(settings, campaign)}
    for result in read_results(settings, campaign):
        if result.status == "succeeded":
            standings[result.request_id] = "spoken"
        else:
            standings.pop(result.request_id, None)
    return standings


def identity_of(request: SpeechRequest) -> str:
    """What its id was made from: the id column, or the row's number; of a request that its caller made, the id itself."""
    candidates = (request.metadata.get("id"), request.metadata.get("row"))
    made = (identity for identity in candidates if identity is not None and request_id(request.campaign_id, identity) == request.request_id)
    return next(made, request.request_id)
