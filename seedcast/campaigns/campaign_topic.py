"""The compacted topic of campaigns, read whole: how each stands."""

from collections.abc import Callable
from difflib import get_close_matches

import structlog

from schemas.messages import Campaign, CampaignState
from schemas.topics import CAMPAIGNS
from seedcast.campaigns.campaign_state import merged
from seedcast.codec import decode_campaign
from seedcast.errors import InvalidInput, Undecodable
from seedcast.kafka import Producer, Record, TopicReader, announce
from seedcast.settings import Settings

log = structlog.get_logger(__name__)


class Campaigns:
    """Follows the topic; `records` is what is known so far, by id."""

    def __init__(self, settings: Settings) -> None:
        self._reader = TopicReader(settings, settings.topic(CAMPAIGNS))
        self.records: dict[str, Campaign] = {}
        self.disputed: set[str] = (
            set()
        )  # ids whose latest record alone, as compaction would leave it, says something else

    def __enter__(self) -> "Campaigns":
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.__exit__()

    def catch_up(self) -> None:
        for record in self._reader.to_end():
            self._take(record)

    def poll(self, timeout: float = 0.0) -> set[str]:
        """The ids of which something was heard within `timeout` seconds; none while the broker is away. Raises Fatal errors."""
        heard = [self._take(record) for record in self._reader.poll(timeout)]
        return {campaign_id for campaign_id in heard if campaign_id}

    def state(self, campaign_id: str) -> CampaignState | None:
        """None where nobody announced it: producers in other languages need not."""
        campaign = self.records.get(campaign_id)
        return campaign.state if campaign else None

    @property
    def cancelled(self) -> frozenset[str]:
        return frozenset(
            campaign_id
            for campaign_id, campaign in self.records.items()
            if campaign.state == "cancelled"
        )

    def _take(self, record: Record) -> str | None:
        if not record.value:  # a tombstone
            campaign_id = (record.key or b"").decode(errors="replace")
            self.records.pop(campaign_id, None)
            self.disputed.discard(campaign_id)
            return campaign_id
        try:
            campaign = decode_campaign(record.value)
        except Undecodable as error:
            log.warning("campaign_unreadable", offset=record.offset, problem=str(error))
            return None
        found = merged(self.records.get(campaign.campaign_id), campaign)
        self.records[campaign.campaign_id] = found
        (self.disputed.discard if found == campaign else self.disputed.add)(campaign.campaign_id)
        return campaign.campaign_id


def read_campaigns(settings: Settings) -> dict[str, Campaign]:
    """Every campaign as it stands now, by id."""
    with Campaigns(settings) as campaigns:
        campaigns.catch_up()
        return campaigns.records


def write(settings: Settings, producer: Producer, campaign: Campaign) -> Campaign:
    """Writes a state and returns what holds now: where another writer came in between, that is written once more, since compaction keeps only the latest."""
    announce(producer, settings, campaign)
    while True:
        with Campaigns(settings) as campaigns:
            campaigns.catch_up()
        found = campaigns.records.get(campaign.campaign_id, campaign)
        if campaign.campaign_id not in campaigns.disputed:
            return found
        announce(producer, settings, found)


def alter(
    settings: Settings, campaign_id: str, change: Callable[[Campaign], Campaign]
) -> tuple[Campaign, Campaign]:
    """How it stood and how it stands now. Raises InvalidInput where there is no such campaign, or where the change makes no sense."""
    before = find(read_campaigns(settings), campaign_id)
    wanted = change(before)
    return before, before if wanted == before else write(settings, Producer(settings), wanted)


def find(records: dict[str, Campaign], campaign_id: str) -> Campaign:
    """Raises InvalidInput, naming those of nearly that name."""
    if campaign_id in records:
        return records[campaign_id]
    near = ", ".join(get_close_matches(campaign_id, records, n=5))
    raise InvalidInput(
        f"campaign {campaign_id}",
        expected="one that was submitted",
        got=f"none of that name, but {near}" if near else "none of that name",
    )
