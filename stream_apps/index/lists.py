"""Loads staged lists into the index: each row, before or after it has a result.

A list of which a part is missing or altered is held: it stays pending, the index says why, and it
is read again once the part is back.
"""

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
from seedcast.storage.staged_lists import check_parts
from seedcast.stream_apps.index.interrupted import interruptible

log = structlog.get_logger(__name__)

RETRY = 10.0  # seconds until a list that could not be read is read again; twice that if damaged,
LONGEST = 600.0  # and so on up to this: each time all that is right may be read
ENDED = ("completed", "cancelled")  # states in which nobody waits for a list


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
        self._held: set[str] = set()

    def look_again(self) -> None:
        """Call it when a campaign has changed."""
        self._look_at = 0.0

    def load_next(self) -> bool:
        """Load one pending list; return True if that went well.

        Raises the errors of the index, and Interrupted.
        """
        if self._clock() < self._look_at:
            return False
        records = map(self._campaigns.records.get, self._writer.pending_lists())
        pending = [campaign for campaign in records if campaign]
        self._count(pending)
        for campaign in pending:
            if self._clock() >= self._retry_at.get(campaign.campaign_id, 0.0):
                return self._load(campaign)
        self._look_at = self._clock() + RETRY
        return False

    def _count(self, pending: list[Campaign]) -> None:
        """Count what waits to be read apart from what cannot be; an ended campaign needs no list.

        Lists may be deleted some time after their end, and an index that is rebuilt misses them.
        """
        held = [campaign for campaign in pending if campaign.campaign_id in self._held]
        metrics.INDEX_LISTS_PENDING.set(len(pending) - len(held))
        metrics.INDEX_LISTS_HELD.set(sum(each.state not in ENDED for each in held))

    def _load(self, campaign: Campaign) -> bool:
        try:
            check_parts(self._store, campaign)
            rows = interruptible(list_rows(self._store, campaign), self._goes_on)
            self._writer.load_list(campaign.campaign_id, rows)
        except (StoreUnavailable, CredentialsRefused) as error:
            self._look_at = self._clock() + RETRY  # the next list would wait in vain, too
            self._postpone(campaign, error)
            return False
        except ListDamaged as error:
            self._hold(campaign, error)
            return False
        failpoint("indexer.loaded")
        self._held.discard(campaign.campaign_id)
        self._problems.pop(campaign.campaign_id, None)
        self._pauses.pop(campaign.campaign_id, None)
        log.info("list_indexed", campaign_id=campaign.campaign_id, rows=campaign.accepted)
        return True

    def _hold(self, campaign: Campaign, error: ListDamaged) -> None:
        """Say once, in the index and in the log, what is wrong with a list."""
        name = campaign.campaign_id
        self._held.add(name)
        self._pauses[name] = min(LONGEST, 2 * self._pauses.get(name, RETRY / 2))
        self._retry_at[name] = self._clock() + self._pauses[name]
        if self._writer.hold_list(name, str(error)):
            log.error("list_held", campaign_id=name, problem=str(error))

    def _postpone(self, campaign: Campaign, error: Exception) -> None:
        """Say once that the store does not give a list."""
        self._retry_at[campaign.campaign_id] = self._clock() + RETRY
        metrics.RETRIES.labels("store").inc()
        if self._problems.get(campaign.campaign_id) != str(error):
            self._problems[campaign.campaign_id] = str(error)
            log.warning("list_unread", campaign_id=campaign.campaign_id, problem=str(error))
