"""The way of a request whose campaign is paused: aside, and later back to where it came from. Pure."""

from dataclasses import dataclass

from schemas.messages import CampaignId
from schemas.topics import REQUESTS, REQUESTS_PARKED, REQUESTS_URGENT
from seedcast.codec import decode_request
from seedcast.errors import Poison
from seedcast.kafka import Headers, Record, partitioner
from seedcast.settings import Settings

FROM = (
    "seedcast.parked-from"  # header: the lane, by the topic's name without the deployment's prefix
)
_LANES = {topic.name.encode(): topic for topic in (REQUESTS, REQUESTS_URGENT)}


@dataclass(frozen=True)
class Route:
    """Where a record goes, its bytes as they came."""

    topic: str
    key: bytes | None
    headers: Headers
    partition: int = -1  # by the key


def aside(record: Record, campaign_id: CampaignId, settings: Settings) -> Route:
    urgent = record.partition.topic == settings.topic(REQUESTS_URGENT)
    lane = (REQUESTS_URGENT if urgent else REQUESTS).name.encode()
    return Route(
        settings.topic(REQUESTS_PARKED), campaign_id.encode(), (*_foreign(record), (FROM, lane))
    )


def back(record: Record, settings: Settings, partitions: dict[str, int]) -> Route:
    """`partitions`: how many each topic has, by full name. What is no request goes to the bulk lane, where it is answered for."""
    topic = settings.topic(_LANES.get(dict(record.headers).get(FROM, b""), REQUESTS))
    try:
        request = decode_request(record.value)
    except Poison:
        return Route(topic, record.key, _foreign(record))
    key = partitioner.key(request.voice_seed)
    place = partitioner.partition(
        key, request.request_id.encode(), settings.kafka.spread, partitions[topic]
    )
    return Route(topic, key, _foreign(record), place)


def _foreign(record: Record) -> Headers:
    return tuple(header for header in record.headers if header[0] != FROM)
