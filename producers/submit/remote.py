"""A campaign as Kafka knows it: its record, and the requests that are on the topics."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import structlog

from producers.rows.content import digest
from producers.submit.journal import Entry
from schemas.messages import Campaign, CampaignState, SpeechRequest
from schemas.topics import CAMPAIGNS
from seedcast.campaigns.campaign_state import sealed
from seedcast.campaigns.campaign_topic import Campaigns, read_campaigns, write
from seedcast.campaigns.requests import ACCEPTING, read_requests
from seedcast.embedded.stack_state import is_embedded_broker
from seedcast.errors import InvalidInput, TopicMismatch
from seedcast.kafka import Admin, Producer, announce
from seedcast.settings import Settings

log = structlog.get_logger(__name__)


class Remote:
    """Waits for the brokers. Raises Unreachable, CredentialsRefused, TopicMismatch, and InvalidInput where nothing can be submitted."""

    def __init__(self, settings: Settings, name: str, retry_of: str | None = None) -> None:
        admin = Admin(settings)
        self._settings, self._name, self._retry_of, self._cluster = (
            settings,
            name,
            retry_of,
            admin.cluster_id(),
        )
        self.partitions = _partitions(settings, admin)
        with ExitStack() as undo:
            self._campaigns = undo.enter_context(Campaigns(settings))
            self._campaigns.catch_up()  # so that what is heard later is news, and not an earlier campaign of this name
            self.record = self._campaigns.records.get(name)
            _refuse(self.record, "cancelled", "paused")
            undo.pop_all()

    def close(self) -> None:
        self._campaigns.__exit__()

    @property
    def closed(self) -> bool:
        """Whether nothing new is accepted any more."""
        return self.record is not None and self.record.state in ("sealed", "completed")

    def identity(self, created_at: datetime) -> str:
        """A journal of another cluster, or of a campaign whose topics were removed since, differs."""
        return (
            f"{self._cluster} {self._settings.kafka.prefix} {self._name} {created_at.isoformat()}"
        )

    def entries(self) -> Iterator[Entry]:
        """Every request of the campaign that Kafka has."""
        log.info(
            "journal_rebuilt",
            campaign_id=self._name,
            reason="none that is whole is at hand: reading the requests topics",
        )
        return map(self._entry, read_requests(self._settings, self._name))

    def open(self, producer: Producer, created_at: datetime, deadline: datetime | None) -> None:
        self.record = Campaign(
            campaign_id=self._name,
            state="open",
            created_at=created_at,
            deadline=deadline,
            retry_of=self._retry_of,
        )
        announce(producer, self._settings, self.record)

    def seal(self, producer: Producer, accepted: int) -> None:
        """One that was paused meanwhile stays paused. Raises InvalidInput where it was cancelled, or sealed with another number."""
        if (record := read_campaigns(self._settings).get(self._name)) is None:
            return
        _refuse(record, "cancelled")
        if record.accepted is None:
            record = write(self._settings, producer, sealed(record, accepted))
            _refuse(record, "cancelled")
        if record.accepted != accepted:
            raise _sealed_by_another(record)
        self.record = record

    def check(self) -> None:
        """Cheap: looks at what has arrived, and asks nobody. Raises InvalidInput where the campaign was cancelled, or sealed, meanwhile."""
        if self._name not in self._campaigns.poll():
            return
        record = self._campaigns.records.get(self._name)
        _refuse(record, "cancelled")
        if record is not None and record.accepted is not None and not self.closed:
            raise _sealed_by_another(record)

    def _entry(self, request: SpeechRequest) -> Entry:
        row = (
            "" if self._retry_of else request.metadata.get("row", "")
        )  # of a retry it is the old list's
        return Entry(
            request.request_id,
            digest(request),
            int(row) if row.isascii() and row.isdigit() and len(row) < 19 else 0,
        )


def _partitions(settings: Settings, admin: Admin) -> dict[str, int]:
    """How many each topic has. The topics of a deployment are made by its own settings, which whoever submits to it need not know."""
    if is_embedded_broker(settings):
        admin.ensure_topics()
    existing = admin.existing()
    if missing := [
        name for topic in (*ACCEPTING, CAMPAIGNS) if (name := settings.topic(topic)) not in existing
    ]:
        remedy = (
            "`seedcast topics create` makes them, with the deployment's SEEDCAST_KAFKA_PARTITIONS and SEEDCAST_KAFKA_REPLICATION; workers do so, too; "
            "or is SEEDCAST_KAFKA_PREFIX another's?"
        )
        raise TopicMismatch("topics are missing", expected=", ".join(missing), remedy=remedy)
    return existing


def _sealed_by_another(record: Campaign) -> InvalidInput:
    return InvalidInput(
        f"campaign {record.campaign_id}",
        expected="nobody else to submit to it",
        got=f"a seal of another submission, with {record.accepted:,}",
        remedy="`seedcast audit` says whether more was sent than sealed; submit what is not in it as another campaign",
    )


def _refuse(record: Campaign | None, *states: CampaignState) -> None:
    if record is not None and record.state in states:
        remedy = "use another campaign" if record.state == "cancelled" else "resume it first"
        raise InvalidInput(
            f"campaign {record.campaign_id}",
            expected="one that is open",
            got=f"{record.state}",
            remedy=remedy,
        )
