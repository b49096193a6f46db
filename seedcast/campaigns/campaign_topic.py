"""The compacted topic of campaigns: follow it, and write to it."""

import time
from collections.abc import Callable
from difflib import get_close_matches

import structlog
from msgspec.structs import replace

from seedcast.campaigns.campaign_state import FINAL, differences, merged
from seedcast.codec import decode_campaign, encode_json
from seedcast.errors import BrokerUnavailable, InvalidInput, Undecodable
from seedcast.kafka import Admin, Producer, Record, TopicFollower, TopicReader
from seedcast.schemas.messages import Campaign, CampaignState
from seedcast.schemas.rights import OPERATOR
from seedcast.schemas.topics import CAMPAIGNS
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

POLL = 0.2  # seconds


class Campaigns(TopicFollower):
    """Follows the topic; `records` holds the state of every campaign known so far, by id."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(TopicReader(settings, settings.topic(CAMPAIGNS)))
        self._timeout = settings.kafka.start_timeout
        self.records: dict[str, Campaign] = {}
        # Campaigns whose latest record differs from their merged state. Compaction keeps only the
        # latest record, so the merged state has to be written again.
        self.disputed: set[str] = set()

    def read_on(self, own: Campaign, offset: int | None) -> Campaign:
        """Read what is new, at least up to `own`, which is written; return the state before it.

        `offset`: where it is. Without it, an equal record of another writer is taken for it.

        Raises BrokerUnavailable if it does not arrive.
        """
        value, before = encode_json(own), None
        until = time.monotonic() + self._timeout
        while before is None:
            for record in self._reader.poll(POLL):
                is_own = record.value == value and offset in (None, record.offset)
                if before is None and is_own:
                    before = self.records.get(own.campaign_id, own)
                self._take(record)
            if before is None and time.monotonic() > until:
                raise BrokerUnavailable(
                    f"reading the campaign {own.campaign_id}",
                    expected=f"the record that was written, within {self._timeout:g} s",
                    got="none yet",
                    remedy="run the same command again",
                )
        return before

    def poll(self, timeout: float = 0.0) -> set[str]:
        """Return the ids of campaigns that got a record within `timeout` seconds.

        Empty while the broker is unavailable. Raises Fatal errors.
        """
        ids = [self._take(record) for record in self._reader.poll(timeout)]
        return {campaign_id for campaign_id in ids if campaign_id}

    def state(self, campaign_id: str) -> CampaignState | None:
        """None if it has no record: producers in other languages need not write one."""
        campaign = self.records.get(campaign_id)
        return campaign.state if campaign else None

    @property
    def cancelled(self) -> frozenset[str]:
        records = self.records.items()
        return frozenset(id_ for id_, campaign in records if campaign.state == "cancelled")

    @property
    def deliver_late(self) -> frozenset[str]:
        """The campaigns whose results may come after their deadlines."""
        return frozenset(id_ for id_, campaign in self.records.items() if campaign.deliver_late)

    def _take(self, record: Record) -> str | None:
        if not record.value:
            return self._remove(record)
        try:
            campaign = decode_campaign(record.value)
        except Undecodable as error:
            log.warning("campaign_unreadable", offset=record.offset, problem=str(error))
            return None
        campaign_id = campaign.campaign_id
        state = merged(self.records.get(campaign_id), campaign)
        self.records[campaign_id] = state
        (self.disputed.discard if state == campaign else self.disputed.add)(campaign_id)
        return campaign_id

    def _remove(self, tombstone: Record) -> str:
        campaign_id = (tombstone.key or b"").decode(errors="replace")
        self.records.pop(campaign_id, None)
        self.disputed.discard(campaign_id)
        return campaign_id


def read_campaigns(settings: Settings) -> dict[str, Campaign]:
    """Return the current state of every campaign, by id."""
    with Campaigns(settings) as campaigns:
        campaigns.catch_up()
        return campaigns.records


def announce(producer: Producer, settings: Settings, campaign: Campaign) -> int | None:
    """Write a campaign's state to the topic, acknowledged; return its offset if that is known."""
    key = campaign.campaign_id.encode()
    return producer.deliver(settings.topic(CAMPAIGNS), key=key, value=encode_json(campaign))


def write_campaign(settings: Settings, producer: Producer, campaign: Campaign) -> Campaign:
    """Write a campaign's state and return the state that holds now.

    Where another writer came in between, the merged state is written once more, since compaction
    keeps only the latest record.
    """
    announce(producer, settings, campaign)
    with Campaigns(settings) as campaigns:
        campaigns.catch_up()
        if campaign.campaign_id in campaigns.disputed:
            change_state(settings, producer, campaigns, campaign.campaign_id, lambda state: state)
        return campaigns.records.get(campaign.campaign_id, campaign)


def change_campaign(
    settings: Settings, campaign_id: str, change: Callable[[Campaign], Campaign]
) -> tuple[Campaign, Campaign]:
    """Apply `change` to a campaign; return its state before and its state now.

    Of changes at the same time none is lost, unless they are of the same field: then the later
    record holds.

    Raises InvalidInput if there is no such campaign, or if `change` refuses its state, and
    AccessDenied if a right is missing.
    """
    Admin(settings).require(OPERATOR)
    with Campaigns(settings) as campaigns:
        campaigns.catch_up()
        before = find_campaign(campaigns.records, campaign_id)
        change_state(settings, Producer(settings), campaigns, campaign_id, change)
        return before, campaigns.records[campaign_id]


def change_state(
    settings: Settings,
    producer: Producer,
    campaigns: Campaigns,
    campaign_id: str,
    change: Callable[[Campaign], Campaign],
) -> None:
    """Write a change, and once more what it has undone.

    A record is a whole state. One that comes between our read and our write is undone by ours, and
    only we can see that: whoever wrote it has read it back by then. Not covered: a writer that dies
    between its two records, or an older version.
    """
    known = campaigns.records[campaign_id]
    state = change(known)
    while state != known or campaign_id in campaigns.disputed:
        offset = announce(producer, settings, state)
        undone = differences(known, campaigns.read_on(state, offset))
        known = campaigns.records.get(campaign_id, state)
        state = replace(known, **undone)
        if known.state not in FINAL:
            state = change(state)


def restore_disputed(settings: Settings, producer: Producer, campaigns: Campaigns) -> None:
    """Write each disputed campaign again. `campaigns` has just caught up. Raises broker's errors.

    What others write at the same moment stays.
    """
    for campaign_id in sorted(campaigns.disputed):
        change_state(settings, producer, campaigns, campaign_id, lambda state: state)


def find_campaign(records: dict[str, Campaign], campaign_id: str) -> Campaign:
    """Raises InvalidInput, naming campaigns of a similar name."""
    if campaign_id in records:
        return records[campaign_id]
    similar = ", ".join(get_close_matches(campaign_id, records, n=5))
    raise InvalidInput(
        f"campaign {campaign_id}",
        expected="one that was submitted",
        got=f"none of that name, but {similar}" if similar else "none of that name",
        remedy="`seedcast campaigns` lists them",
    )
