"""The requests of a campaign that the requests topics still keep."""

from collections.abc import Iterator
from contextlib import suppress

from seedcast.codec import decode_request
from seedcast.errors import Poison
from seedcast.kafka import TopicReader
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.topics import REQUESTS, REQUESTS_URGENT
from seedcast.settings import Settings

REQUESTS_TOPICS = (REQUESTS, REQUESTS_URGENT)


def read_requests(settings: Settings, campaign: str) -> Iterator[SpeechRequest]:
    """Yield the campaign's requests, repeats included.

    Unreadable records are left out: each was rejected, or is a dead letter.
    """
    # Decode only records that contain the id: it is ASCII, which JSON does not escape.
    needle = campaign.encode()
    for topic in REQUESTS_TOPICS:
        with TopicReader(settings, settings.topic(topic)) as reader:
            for record in reader.to_end():
                if needle not in record.value:
                    continue
                with suppress(Poison):
                    request = decode_request(record.value)
                    if request.campaign_id == campaign:
                        yield request
