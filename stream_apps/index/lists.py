"""Loads staged lists into the index: each row, before or after it has a result."""

import time
from collections.abc import Callable

import structlog

from seedcast import metrics
from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.errors import CredentialsRefused, ListDamaged, StoreUnavailable
from seedcast.failpoints import failpoint
from seedcast.schemas.messages import Campaign
from seedcast.storage.index.list_reading import list_rows
from seedcast.storage.index.writer import IndexWriter
from seedcast.storage.objects import ObjectStore
from seedcast.stream_apps.index.interrupted import interruptible

log = structlog.get_logger(__name__)

RETRY = 10.0  # seconds until a list that could not be read is read again; twice that if damaged,
LONGEST = 600.0  # and so on up to this: each time all that is right is read


class Lists:
    """A list that cannot be read stays pending, and holds up no other."""

    def __init__(
        self,
        store: ObjectStore,
        writer: IndexWriter,
        campaigns: Campaigns,
        goes_on: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`goes_on`: whether this process is still the active one; asked again and again."""
        self._store, self._writer, self._campaigns = store, writer, campaigns
        self._goes_on, self._clock = goes_on, clock
        self._look_at = 0.0
        self._retry_at: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._problems: dict[str, str] = {}

    def look_again(self) -> None:
        """Call it when a campaign has changed."""
        self._look_at = 0.0

    def load_next(self) -> bool:
        """Load one pending list; return True if that went well.

        Raises the errors of the index, and Interrupted.
        """
        if self._clock() < self._look_at:
            return False
        pending = [self._campaigns.records.get(name) for name in self._writer.pending_lists()]
        metrics.INDEX_LISTS_PENDING.set(len(pending))
        for campaign in filter(None, pending):
            if self._clock() >= self._retry_at.get(campaign.campaign_id, 0.0):
                return self._load(campaign)
        self._look_at = self._clock() + RETRY
        return False

    def _load(self, campaign: Campaign) -> bool:
        try:
            rows = interruptible(list_rows(self._store, campaign), self._goes_on)
            self._writer.load_list(campaign.campaign_id, rows)
        except (StoreUnavailable, CredentialsRefused) as error:
            self._look_at = self._clock() + RETRY  # the next list would wait in vain, too
            self._postpone(campaign, error)
            return False
        except ListDamaged as error:
            pause = min(LONGEST, 2 * self._pauses.get(campaign.campaign_id, RETRY / 2))
            self._pauses[campaign.campaign_id] = pause
            self._postpone(campaign, error, pause)
            return False
        failpoint("indexer.loaded")
        self._problems.pop(campaign.campaign_id, None)
        self._pauses.pop(campaign.campaign_id, None)
        log.info("list_indexed", campaign_id=campaign.campaign_id, rows=campaign.accepted)
        return True

    def _postpone(self, campaign: Campaign, error: Exception, pause: float = RETRY) -> None:
        """Say once what is wrong with a list."""
        self._retry_at[campaign.campaign_id] = self._clock() + pause
        metrics.RETRIES.labels("store").inc()
        if self._problems.get(campaign.campaign_id) != str(error):
            self._problems[campaign.campaign_id] = str(error)
            log.warning("list_unread", campaign_id=campaign.campaign_id, problem=str(error))
