"""The campaigns that events belong to: each gets a record, and one that has ended takes none."""

from concurrent.futures import Future
from datetime import UTC, datetime
from threading import Lock

from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.codec import encode_json
from seedcast.errors import InvalidInput
from seedcast.kafka import BackgroundProducer
from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import CAMPAIGNS
from seedcast.settings import Settings

Opening = Future[int | None]


class EventCampaigns:
    """Thread-safe. `campaigns` must have caught up: it is polled here, and asks for nothing."""

    def __init__(
        self, settings: Settings, campaigns: Campaigns, producer: BackgroundProducer
    ) -> None:
        self._topic, self._campaigns = settings.topic(CAMPAIGNS), campaigns
        self._producer, self._lock = producer, Lock()
        self._opened: dict[str, Opening] = {}  # by this sender

    def admit(self, campaign_id: str, tenant: str) -> Opening | None:
        """Return what to wait for before the campaign's first request; None: nothing.

        `tenant`: whose it becomes if it does not exist yet.

        Raises InvalidInput if the campaign takes no events.
        """
        with self._lock:
            self._campaigns.poll()
            self._settle()
            if record := self._campaigns.records.get(campaign_id):
                _refuse(record)
                return None
            opening = self._opened.get(campaign_id)
            if opening is None or _has_failed(opening):
                now = datetime.now(UTC)
                opened = Campaign(
                    campaign_id=campaign_id, state="open", created_at=now, tenant=tenant
                )
                opening = self._opened[campaign_id] = self._write(opened)
            return opening

    def close(self) -> None:
        with self._lock:
            self._campaigns.close()

    def _settle(self) -> None:
        """Write a state again that another writer cancelled while our record was on its way.

        The next event does it again where that fails.
        """
        for campaign_id in self._campaigns.disputed & self._opened.keys():
            if self._opened[campaign_id].done():
                state = self._campaigns.records[campaign_id]
                self._opened[campaign_id] = self._write(state)

    def _write(self, campaign: Campaign) -> Opening:
        key = campaign.campaign_id.encode()
        return self._producer.send(self._topic, key=key, value=encode_json(campaign))


def _has_failed(opening: Opening) -> bool:
    return opening.done() and opening.exception() is not None


def _refuse(record: Campaign) -> None:
    """Raises InvalidInput. A paused campaign takes events: they are spoken once it is resumed."""
    if record.accepted is None and record.state not in ("cancelled", "completed"):
        return
    is_list = record.accepted is not None and record.state != "cancelled"
    raise InvalidInput(
        f"campaign {record.campaign_id}",
        expected="one that is open",
        got=f"one that is {record.state}" + (", a list" if is_list else ""),
        remedy="send events to another campaign"
        + (": a list is whole once it is submitted" if is_list else ", or as another tenant"),
    )
