"""The index's campaigns as their topics have them now; the index has only their figures.

Where the indexer is away or behind, the index lacks campaigns, and has old states of others. Both
topics are compacted, so reading them takes moments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.campaigns.cursor_topic import CursorTable, read_cursors, rows_fed
from seedcast.campaigns.progress import Progress
from seedcast.schemas.messages import Campaign, Cursor
from seedcast.settings import Settings
from seedcast.storage.index.indexed import IndexedCampaign


@dataclass(frozen=True)
class CampaignTopics:
    """What the topics of campaigns and cursors say."""

    records: Mapping[str, Campaign]
    cursors: CursorTable

    def all_of(self, indexed: list[IndexedCampaign]) -> tuple[list[IndexedCampaign], list[str]]:
        """Return the campaigns that have a record, the oldest first, and which the index lacks."""
        known = {each.campaign_id: each for each in indexed}
        records = sorted(self.records.values(), key=_age)
        pairs = [(record, known.get(record.campaign_id)) for record in records]
        missing = [record.campaign_id for record, its in pairs if not _has(its, record)]
        return [self._current(record, its) for record, its in pairs], missing

    def one_of(self, campaign_id: str, indexed: IndexedCampaign | None) -> IndexedCampaign | None:
        """Return a campaign; None if there is no record, and the index has nothing of it."""
        record = self.records.get(campaign_id)
        return self._current(record, indexed) if record else indexed

    def _current(self, record: Campaign, indexed: IndexedCampaign | None) -> IndexedCampaign:
        cursor = self.cursors.of(record)
        if indexed is None or not _has(indexed, record):
            return _unknown(record, cursor)
        return replace(
            indexed,
            campaign=record,
            progress=replace(indexed.progress, accepted=record.accepted),
            fed=rows_fed(cursor),
            held=cursor.held if cursor else None,
        )


def read_topics(settings: Settings) -> CampaignTopics:
    """Raises Kafka's errors."""
    return CampaignTopics(read_campaigns(settings), read_cursors(settings))


def _age(record: Campaign) -> tuple[datetime, str]:
    return record.created_at, record.campaign_id


def _has(indexed: IndexedCampaign | None, record: Campaign) -> bool:
    """Return False if the index does not know the campaign, or has an older list of its name."""
    if indexed is None:
        return False
    if indexed.campaign is None:  # only results name it so far
        return record.staged is None
    return _staging(indexed.campaign) == _staging(record)


def _staging(record: Campaign) -> str | None:
    return record.staged.staging if record.staged else None


def _unknown(record: Campaign, cursor: Cursor | None) -> IndexedCampaign:
    """Return what there is without the index: no figures."""
    return IndexedCampaign(
        campaign_id=record.campaign_id,
        campaign=record,
        progress=Progress(accepted=record.accepted),
        errors={},
        fed=rows_fed(cursor),
        held=cursor.held if cursor else None,
        list_state="pending",
    )
