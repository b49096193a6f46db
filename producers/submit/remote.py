"""A campaign as Kafka has it: its record, and its requests on the topics."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import structlog

from seedcast.campaigns.campaign_state import sealed
from seedcast.campaigns.campaign_topic import Campaigns, announce, read_campaigns, write_campaign
from seedcast.campaigns.requests import REQUESTS_TOPICS, read_requests
from seedcast.embedded import is_embedded
from seedcast.errors import InvalidInput, TopicMismatch
from seedcast.kafka import Admin, Producer
from seedcast.producers.rows.content import digest
from seedcast.producers.submit.journal import Entry
from seedcast.schemas.messages import Campaign, CampaignState, SpeechRequest
from seedcast.schemas.rights import SUBMITTER
from seedcast.schemas.topics import CAMPAIGNS
from seedcast.settings import Settings

log = structlog.get_logger(__name__)


class Remote:
    """The constructor waits for the brokers.

    It raises Unreachable, CredentialsRefused, TopicMismatch, and InvalidInput if the campaign
    accepts nothing.
    """

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
            # From here on, `check` sees only records that were written after this start.
            self._campaigns.catch_up()
            self.record = self._campaigns.records.get(name)
            _refuse(self.record, "cancelled", "paused")
            undo.pop_all()

    def close(self) -> None:
        self._campaigns.close()

    @property
    def closed(self) -> bool:
        """True if the campaign accepts no new request any more."""
        return self.record is not None and self.record.state in ("sealed", "completed")

    def identity(self, created_at: datetime) -> str:
        """Return the identity of the campaign's journal.

        It differs for another cluster, and for a campaign whose topics were removed since.
        """
        return (
            f"{self._cluster} {self._settings.kafka.prefix} {self._name} {created_at.isoformat()}"
        )

    def entries(self) -> Iterator[Entry]:
        """Return every request of the campaign that Kafka has."""
        log.info(
            "journal_rebuilt",
            campaign_id=self._name,
            reason="there is no complete journal: reading the requests topics",
        )
        return map(self._entry, read_requests(self._settings, self._name))

    def open(
        self,
        producer: Producer,
        created_at: datetime,
        deadline: datetime | None,
        *,
        deliver_late: bool,
    ) -> None:
        self.record = Campaign(
            campaign_id=self._name,
            state="open",
            created_at=created_at,
            deadline=deadline,
            deliver_late=deliver_late,
            retry_of=self._retry_of,
        )
        announce(producer, self._settings, self.record)

    def seal(self, producer: Producer, accepted: int) -> None:
        """Seal the campaign. One that was paused meanwhile stays paused.

        Raises InvalidInput if it was cancelled, or sealed with another number.
        """
        if (record := read_campaigns(self._settings).get(self._name)) is None:
            return
        _refuse(record, "cancelled")
        if record.accepted is None:
            record = write_campaign(self._settings, producer, sealed(record, accepted))
            _refuse(record, "cancelled")
        if record.accepted != accepted:
            raise _sealed_by_another(record)
        self.record = record

    def check(self) -> None:
        """Raises InvalidInput if the campaign was cancelled or sealed meanwhile.

        Cheap: it looks at records that have arrived, and sends no request.
        """
        if self._name not in self._campaigns.poll():
            return
        record = self._campaigns.records.get(self._name)
        _refuse(record, "cancelled")
        if record is not None and record.accepted is not None and not self.closed:
            raise _sealed_by_another(record)

    def _entry(self, request: SpeechRequest) -> Entry:
        # In a retry the row is that of the old list.
        row = "" if self._retry_of else request.metadata.get("row", "")
        return Entry(
            request.request_id,
            digest(request),
            int(row) if row.isascii() and row.isdigit() and len(row) < 19 else 0,
        )


def _partitions(settings: Settings, admin: Admin) -> dict[str, int]:
    """Return the number of partitions of each topic.

    Topics are created only on the embedded stack. Elsewhere the deployment creates them: the right
    settings, such as replication, are not known here.

    Raises AccessDenied if a right is missing, TopicMismatch if a topic is.
    """
    if is_embedded(settings):
        admin.ensure_topics()
    admin.require(SUBMITTER)
    existing = admin.existing()
    if missing := [
        name
        for topic in (*REQUESTS_TOPICS, CAMPAIGNS)
        if (name := settings.topic(topic)) not in existing
    ]:
        remedy = (
            "run `seedcast topics create` or a worker, with the deployment's "
            "SEEDCAST_KAFKA_PARTITIONS and SEEDCAST_KAFKA_REPLICATION, or correct "
            "SEEDCAST_KAFKA_PREFIX"
        )
        raise TopicMismatch("topics are missing", expected=", ".join(missing), remedy=remedy)
    return existing


def _sealed_by_another(record: Campaign) -> InvalidInput:
    return InvalidInput(
        f"campaign {record.campaign_id}",
        expected="no other submission to it",
        got=f"another submission sealed this campaign with {record.accepted:,} requests",
        remedy=(
            "run `seedcast audit` to see whether more was sent than sealed, "
            "and submit the rest as another campaign"
        ),
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
