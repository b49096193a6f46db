"""The compacted topic of campaigns, read whole: the latest record of each."""

import structlog

from schemas.messages import Campaign
from schemas.topics import CAMPAIGNS
from seedcast.codec import decode_campaign
from seedcast.errors import Undecodable
from seedcast.kafka import Record, TopicReader
from seedcast.settings import Settings

log = structlog.get_logger(__name__)


class Campaigns:
    """Follows the topic; `records` is what is known so far."""

    def __init__(self, settings: Settings) -> None:
        self._reader = TopicReader(settings, settings.topic(CAMPAIGNS))
        self.records: dict[str, Campaign] = {}

    def __enter__(self) -> "Campaigns":
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.__exit__()

    def catch_up(self) -> None:
        for record in self._reader.to_end():
            self._take(record)

    def poll(self, timeout: float = 0.0) -> None:
        for record in self._reader.poll(timeout):
            self._take(record)

    def _take(self, record: Record) -> None:
        if not record.value:  # a tombstone
            self.records.pop((record.key or b"").decode(errors="replace"), None)
            return
        try:
            campaign = decode_campaign(record.value)
        except Undecodable as error:
            log.warning("campaign_unreadable", offset=record.offset, problem=str(error))
        else:
            self.records[campaign.campaign_id] = campaign


def read_campaigns(settings: Settings) -> dict[str, Campaign]:
    """Every campaign as it stands now, by id."""
    with Campaigns(settings) as campaigns:
        campaigns.catch_up()
        return campaigns.records
