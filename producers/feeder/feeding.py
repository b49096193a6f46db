"""What the active feeder does in its term: the oldest list that may be fed is fed, in chunks."""

import time
from collections.abc import Callable, Iterator

import structlog

from seedcast import metrics
from seedcast.campaigns.campaign_topic import Campaigns, announce
from seedcast.campaigns.cursor_topic import Cursors
from seedcast.errors import ListDamaged, Retryable
from seedcast.failpoints import failpoint
from seedcast.kafka import Producer
from seedcast.producers.feeder.feed import Feed
from seedcast.producers.feeder.publisher import Publisher
from seedcast.producers.feeder.term import Checkpoints
from seedcast.schemas.messages import Campaign
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectStore

log = structlog.get_logger(__name__)

CHUNK = 2000  # rows between two looks at campaigns and membership
CHECKPOINT = 1.0  # seconds; rows fed within it are fed again after a crash
RETRY = 5.0  # seconds until a list that could not be read is read again


class Feeding:
    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        producer: Producer,
        publisher: Publisher,
        campaigns: Campaigns,
        cursors: Cursors,
        generation: int,
        goes_on: Callable[[], bool],
    ) -> None:
        """`goes_on`: False once the term is over."""
        self._settings, self._store, self._producer = settings, store, producer
        self._publisher, self._campaigns, self._cursors = publisher, campaigns, cursors
        self._checkpoints = Checkpoints(settings, producer, generation)
        self._goes_on = goes_on
        self._feeds: dict[str, Feed] = {}  # by campaign id
        self._held: dict[str, str] = {}  # by campaign id: why it cannot be fed
        self._retry_at: dict[str, float] = {}  # by campaign id
        self._checkpoint_at = 0.0

    def turn(self) -> bool:
        """Feed one chunk; return False if no list can be fed now. Raises Fatal errors."""
        self._campaigns.poll()
        self._cursors.poll()
        feed = next(self._ready(), None)
        if feed:
            self._feed(feed)
        if time.monotonic() >= self._checkpoint_at:
            self.checkpoint()
        return feed is not None

    def is_done(self) -> bool:
        """Return True if every list is fed that is not paused or held."""
        return not any(feed.left for feed in self._feedable() if not self._is_held(feed))

    def checkpoint(self) -> None:
        """Write the cursors that have moved, and what must hold after compaction."""
        self._checkpoint_at = time.monotonic() + CHECKPOINT
        try:
            for name, feed in self._feeds.items():
                if feed.has_moved or name in self._held:
                    self._checkpoints.write(name, feed.staging, feed.fed, self._held.get(name))
            self._checkpoints.write_again(self._cursors)
            self._restore_disputed()
        except Retryable as error:
            log.warning("unavailable", boundary="broker", problem=str(error))
            metrics.RETRIES.labels("broker").inc()
        failpoint("feeder.checkpointed")
        metrics.LISTS_UNFED.set(sum(feed.left for feed in self._feedable()))
        metrics.LISTS_HELD.set(len(self._held))

    def _feed(self, feed: Feed) -> None:
        name = feed.campaign.campaign_id
        try:
            rows = feed.next_rows(CHUNK)
            failpoint("feeder.read")
            acknowledged = self._publisher.publish(rows, feed.spread, self._goes_on)
        except ListDamaged as error:
            self._hold(feed, str(error))
        except Retryable as error:
            feed.rewind()
            self._retry_at[name] = time.monotonic() + RETRY
            log.warning("unavailable", campaign_id=name, boundary="feed", problem=str(error))
            metrics.RETRIES.labels("feed").inc()
        else:
            self._release(feed)
            if acknowledged:
                feed.advance(len(rows))
                metrics.REQUESTS_FED.inc(len(rows))
            else:
                feed.rewind()
            failpoint("feeder.acknowledged")

    def _hold(self, feed: Feed, problem: str) -> None:
        name = feed.campaign.campaign_id
        if self._held.get(name) != problem:
            log.error("list_held", campaign_id=name, problem=problem)
        self._held[name] = problem
        self._retry_at[name] = time.monotonic() + RETRY

    def _release(self, feed: Feed) -> None:
        name = feed.campaign.campaign_id
        if self._held.pop(name, None):
            feed.has_moved = True
            log.info("list_restored", campaign_id=name, next="it is fed on")

    def _ready(self) -> Iterator[Feed]:
        """Yield lists that may be fed now, the oldest first."""
        now = time.monotonic()
        for feed in self._feedable():
            if feed.left and self._retry_at.get(feed.campaign.campaign_id, 0.0) <= now:
                yield feed

    def _feedable(self) -> Iterator[Feed]:
        """Yield lists that are not paused.

        What a cancelled one has left is fed, too: each of its requests ends as cancelled.
        """
        campaigns = self._campaigns.records.values()
        for campaign in sorted(campaigns, key=lambda c: (c.created_at, c.campaign_id)):
            if campaign.staged and campaign.state in ("sealed", "cancelled"):
                yield self._feed_of(campaign)

    def _feed_of(self, campaign: Campaign) -> Feed:
        feed = self._feeds.get(campaign.campaign_id)
        if feed is None or feed.campaign.staged != campaign.staged:
            fed = self._cursors.fed(campaign)
            feed = self._feeds[campaign.campaign_id] = Feed(self._store, campaign, fed)
        return feed

    def _is_held(self, feed: Feed) -> bool:
        return feed.campaign.campaign_id in self._held

    def _restore_disputed(self) -> None:
        """Write campaigns again whose latest record is that of a submission that came second."""
        for name in sorted(self._campaigns.disputed):
            announce(self._producer, self._settings, self._campaigns.records[name])
        self._campaigns.disputed.clear()
