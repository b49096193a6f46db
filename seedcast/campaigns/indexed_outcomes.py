"""The outcomes of campaigns: from the results index while it answers, else from the topic.

The index is storage's, which this package may not import: whoever has one hands it in.
"""

import time
from collections.abc import Mapping
from typing import Protocol

import structlog

from seedcast.campaigns.progress import Outcomes, Progress, ReadIds
from seedcast.errors import IndexUnavailable, SeedcastError
from seedcast.kafka import GroupOffsets, count_after
from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

LOOK = 0.5  # seconds between two questions
STANDSTILL = 15.0  # seconds without a change, after which an index that is behind is left


class IndexedCampaign(Protocol):
    @property
    def campaign(self) -> Campaign | None: ...

    @property
    def progress(self) -> Progress: ...

    @property
    def list_state(self) -> str: ...


class CampaignIndex(Protocol):
    """What is asked of the index."""

    def campaign(self, campaign_id: str) -> IndexedCampaign | None: ...

    def next_offsets(self) -> Mapping[int, int]: ...

    def close(self) -> None: ...


class IndexedOutcomes:
    """Asks the index, and notices where nobody keeps it up to date."""

    def __init__(self, settings: Settings, index: CampaignIndex, *campaigns: str) -> None:
        self._settings, self._index, self._names = settings, index, campaigns
        self._known: dict[str, IndexedCampaign] = {}
        self._seen: object = None  # all that changes while somebody indexes
        self._changed_at = time.monotonic()

    def look(self) -> None:
        """Raises IndexUnavailable, also if the index is behind and stands still."""
        found = {name: self._index.campaign(name) for name in self._names}
        self._known = {name: campaign for name, campaign in found.items() if campaign}
        progress = [(each.progress, each.list_state) for each in self._known.values()]
        seen = progress, self._index.next_offsets()
        if seen != self._seen:
            self._seen, self._changed_at = seen, time.monotonic()
        elif time.monotonic() > self._changed_at + STANDSTILL:
            self._refuse_standstill()
            self._changed_at = time.monotonic()

    def progress(self, campaign: Campaign) -> Progress:
        known = self._known.get(campaign.campaign_id)
        return known.progress if known else Progress(accepted=campaign.accepted)

    def ended(self, campaign: Campaign) -> bool:
        """Return True if no further outcome is expected."""
        known = self._known.get(campaign.campaign_id)
        if campaign.staged is not None and not (known and _has_list(known, campaign)):
            return False
        no_list = campaign.state == "cancelled" and campaign.accepted is None
        return no_list or self.progress(campaign).complete

    def _refuse_standstill(self) -> None:
        bounds = GroupOffsets(self._settings).bounds([self._settings.topic(RESULTS)])
        behind = count_after(bounds, self._index.next_offsets())
        states = [each.list_state for each in self._known.values()]
        if behind or "pending" in states or len(states) < len(self._names):
            raise IndexUnavailable(
                "the results index stands still",
                expected=f"all of the results topic within {STANDSTILL:g} s",
                got=f"{behind:,} records that it lacks",
                remedy="look whether an indexer runs, and what its log says",
            )


def _has_list(known: IndexedCampaign, campaign: Campaign) -> bool:
    """Return False also where the index knows an earlier list of that name."""
    same = known.campaign is not None and known.campaign.staged == campaign.staged
    return same and known.list_state == "loaded"


class CampaignOutcomes:
    """Begins with the index if there is one; once that fails, the topic is read instead."""

    def __init__(
        self,
        settings: Settings,
        read_ids: ReadIds,
        index: CampaignIndex | None,
        *campaigns: str,
    ) -> None:
        self._settings, self._read_ids, self._names = settings, read_ids, campaigns
        self._look_at = 0.0
        self._source: Outcomes | IndexedOutcomes = (
            IndexedOutcomes(settings, index, *campaigns) if index else self._read_topic()
        )

    def __enter__(self) -> "CampaignOutcomes":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if isinstance(self._source, Outcomes):
            self._source.close()

    def poll(self, timeout: float) -> None:
        """Take what comes within `timeout` seconds. Raises the errors of Kafka."""
        if isinstance(self._source, Outcomes):
            self._source.poll(timeout)
            return
        time.sleep(timeout)
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK
        try:
            self._source.look()
        except SeedcastError as error:
            log.warning("index_left", problem=str(error), next="reads the results topic")
            self._source = self._read_topic()

    def progress(self, campaign: Campaign) -> Progress:
        return self._source.progress(campaign)

    def ended(self, campaign: Campaign) -> bool:
        """Return True if no further outcome is expected. Raises what reading the list does."""
        return self._source.ended(campaign)

    def tell_strays_apart(self, campaign: Campaign) -> None:
        """Read the list once the topic is read; the index has done it. Raises what that does."""
        if isinstance(self._source, Outcomes) and self._source.caught_up:
            self._source.tell_strays_apart(campaign)

    def _read_topic(self) -> Outcomes:
        return Outcomes(self._settings, self._read_ids, *self._names)
