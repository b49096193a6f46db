"""A campaign as Kafka knows it: its record, and the requests that are on the topics."""

from collections.abc import Iterator
from datetime import datetime

import structlog

from producers.content import digest
from producers.journal import Entry
from schemas.messages import Campaign, CampaignState, SpeechRequest
from seedcast.campaigns import Campaigns, read_campaigns, write
from seedcast.control import sealed
from seedcast.errors import InvalidInput
from seedcast.kafka import Admin, Producer, announce
from seedcast.requests import read_requests
from seedcast.settings import Settings

log = structlog.get_logger(__name__)


class Remote:
    """Waits for the brokers and makes the topics. Raises Unreachable, CredentialsRefused, TopicMismatch, and InvalidInput where nothing can be submitted."""

    def __init__(self, settings: Settings, name: str, retry_of: str | None = None) -> None:
        admin = Admin(settings)
        self._settings, self._name, self._retry_of, self._cluster = settings, name, retry_of, admin.cluster_id()
        admin.ensure_topics()
        self.partitions = admin.existing()
        self.record = self._read()
        _refuse(self.record, "cancelled", "paused")
        self._campaigns = Campaigns(settings)

    def close(self) -> None:
        self._campaigns.__exit__()

    @property
    def closed(self) -> bool:
        """Whether nothing new is accepted any more."""
        return self.record is not None and self.record.state in ("sealed", "completed")

    def identity(self, created_at: datetime) -> str:
        """A journal of another cluster, or of a campaign whose topics were removed since, differs."""
        return f"{self._cluster} {self._settings.kafka.prefix} {self._name} {created_at.isoformat()}"

    def entries(self) -> Iterator[Entry]:
        """Every request of the campaign that Kafka has."""
        log.info("journal_rebuilt", campaign_id=self._name, reason="none that is whole is at hand: reading the requests topics")
        return map(self._entry, read_requests(self._settings, self._name))

    def open(self, producer: Producer, created_at: datetime, deadline: datetime | None) -> None:
        self.record = Campaign(campaign_id=self._name, state="open", created_at=created_at, deadline=deadline, retry_of=self._retry_of)
        announce(producer, self._settings, self.record)

    def seal(self, producer: Producer, accepted: int) -> None:
        """One that was paused meanwhile stays paused. Raises InvalidInput where it was cancelled."""
        record = self._read()
        _refuse(record, "cancelled")
        if record is not None and record.accepted is None:
            self.record = write(self._settings, producer, sealed(record, accepted))
            _refuse(self.record, "cancelled")

    def check(self) -> None:
        """Cheap: looks at what has arrived, and asks nobody. Raises InvalidInput where the campaign was cancelled meanwhile."""
        if self._name in self._campaigns.poll():
            _refuse(self._campaigns.records.get(self._name), "cancelled")

    def _read(self) -> Campaign | None:
        return read_campaigns(self._settings).get(self._name)

    def _entry(self, request: SpeechRequest) -> Entry:
        row = "" if self._retry_of else request.metadata.get("row", "")  # of a retry it is the old list's
        return Entry(request.request_id, digest(request), int(row) if row.isascii() and row.isdigit() and len(row) < 19 else 0)


def _refuse(record: Campaign | None, *states: CampaignState) -> None:
    if record is not None and record.state in states:
        remedy = "use another campaign" if record.state == "cancelled" else "resume it first"
        raise InvalidInput(f"campaign {record.campaign_id}", expected="one that is open", got=f"{record.state}", remedy=remedy)
