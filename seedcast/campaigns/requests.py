"""What the requests topics keep of a campaign."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from schemas.messages import SpeechRequest
from schemas.topics import REQUESTS, REQUESTS_PARKED, REQUESTS_URGENT, Topic
from seedcast.codec import decode_request
from seedcast.errors import Poison
from seedcast.kafka import TopicReader
from seedcast.settings import Settings

ACCEPTING = (REQUESTS, REQUESTS_URGENT, REQUESTS_PARKED)


def read_requests(
    settings: Settings, campaign: str, topics: Sequence[Topic] = ACCEPTING
) -> Iterator[SpeechRequest]:
    """Repeats included; what cannot be read is left out: it was rejected, or is a dead letter."""
    mark = (
        campaign.encode()
    )  # decoding only what holds it: a campaign's id is ASCII that JSON does not escape
    for topic in topics:
        with TopicReader(settings, settings.topic(topic)) as reader:
            for record in reader.to_end():
                with suppress(Poison):
                    if (
                        mark in record.value
                        and (request := decode_request(record.value)).campaign_id == campaign
                    ):
                        yield request
