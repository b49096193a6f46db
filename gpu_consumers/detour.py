"""Routes of a paused campaign's requests: to the parking topic, and back to their lane. Pure."""

from dataclasses import dataclass

from seedcast.codec import decode_request
from seedcast.errors import Poison
from seedcast.kafka import Headers, Record, partitioner
from seedcast.schemas.messages import CampaignId
from seedcast.schemas.topics import LANES, REQUESTS, REQUESTS_PARKED
from seedcast.settings import Settings

# Header: the topic that a parked record came from, without the deployment's prefix.
FROM = "seedcast.parked-from"
_LANES = {lane.requests.name.encode(): lane.requests for lane in LANES.values()}


@dataclass(frozen=True)
class Route:
    """Where a record goes; its value stays as it is."""

    topic: str
    key: bytes | None
    headers: Headers
    partition: int = -1  # by the key


def aside(record: Record, campaign_id: CampaignId, settings: Settings) -> Route:
    lane = settings.lane(record.partition.topic).requests.name.encode()
    return Route(
        settings.topic(REQUESTS_PARKED), campaign_id.encode(), (*_foreign(record), (FROM, lane))
    )


def back(record: Record, settings: Settings, partitions: dict[str, int]) -> Route:
    """Return the route of a parked record to the topic that it came from.

    `partitions` is the number of partitions of each topic, by full name. A record that is no
    request goes to the normal lane, where it is rejected or becomes a dead letter.
    """
    topic = settings.topic(_LANES.get(dict(record.headers).get(FROM, b""), REQUESTS))
    try:
        request = decode_request(record.value)
    except Poison:
        return Route(topic, record.key, _foreign(record))
    key = partitioner.key(request.voice_seed)
    partition = partitioner.partition(
        key, request.request_id.encode(), settings.kafka.spread, partitions[topic]
    )
    return Route(topic, key, _foreign(record), partition)


def _foreign(record: Record) -> Headers:
    return tuple(header for header in record.headers if header[0] != FROM)
