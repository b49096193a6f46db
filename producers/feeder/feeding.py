"""What the active feeder does in its term: the oldest list that may be fed is fed, in chunks."""

import time
from collections.abc import Callable

import structlog

from seedcast import metrics
from seedcast.campaigns.campaign_topic import announce
from seedcast.errors import (
    ListDamaged,
    Poison,
    SeedcastError,
    StoreUnavailable,
)
from seedcast.failpoints import failpoint
from seedcast.health import Readiness
from seedcast.kafka import Producer
from seedcast.producers.feeder.feed import Feed
from seedcast.producers.feeder.publisher import Publisher
from seedcast.producers.feeder.term import MAY_HEAL, Checkpoints, Term
from seedcast.producers.feeder.unfed_lists import UnfedLists
from seedcast.schemas.messages import Cursor
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectStore
from seedcast.worker import STORE

log = structlog.get_logger(__name__)

CHECKPOINT = 1.0  # seconds; rows fed within it are fed again after a crash
RETRY = 5.0  # seconds until a list that could not be fed is tried again


class Feeding:
    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        producer: Producer,
        publisher: Publisher,
        term: Term,
        goes_on: Callable[[], bool],
        readiness: Readiness,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`goes_on`: False once this feeder is not the active one any more, or has to end."""
        self._clock = clock
        self._settings, self._producer, self._publisher = settings, producer, publisher
        self._term, self._goes_on, self._readiness = term, goes_on, readiness
        self._checkpoints = Checkpoints(settings, producer, term.generation)
        self._lists = UnfedLists(store, term.cursors)
        self._lists.update(term.campaigns.records, term.campaigns.records)
        self._moved: dict[str, Feed] = {}  # by campaign id: since the last checkpoint
        self._checkpoint_at = 0.0

    def turn(self) -> bool:
        """Feed one chunk; return False if no list can be fed now. Raises Fatal errors."""
        self.wait(0.0)
        if feed := self._lists.ready(self._clock()):
            self._feed(feed)
        if self._clock() >= self._checkpoint_at:
            self.checkpoint()
        return feed is not None

    def wait(self, seconds: float) -> None:
        """Take over what changes within that time. Raises Fatal errors."""
        self._term.cursors.poll()
        if changed := self._term.campaigns.poll(seconds):
            self._lists.update(changed, self._term.campaigns.records)

    @property
    def is_over(self) -> bool:
        """Return True if another feeder has taken over, whatever the group says."""
        return self._term.is_over

    def finish(self) -> bool:
        """Return True if every list is fed that is not paused or held, and the cursors say so."""
        if self._lists.is_fed:
            self.checkpoint()
        return self._lists.is_fed and not self._moved

    def checkpoint(self) -> None:
        """Write the cursors that have moved, and what must hold after compaction."""
        self._checkpoint_at = self._clock() + CHECKPOINT
        try:
            if self._checkpoints.write(map(self._cursor, self._moved.values())):
                failpoint("feeder.checkpointed")
            self._moved.clear()
            if not self.is_over:
                self._checkpoints.write_again(self._term.cursors)
                self._restore_disputed()
        except MAY_HEAL as error:
            log.warning("unavailable", boundary="broker", problem=str(error))
            metrics.RETRIES.labels("broker").inc()
        metrics.LISTS_UNFED.set(self._lists.rows)
        metrics.LISTS_HELD.set(sum(1 for _ in self._lists.held))

    def _cursor(self, feed: Feed) -> Cursor:
        return self._checkpoints.cursor(
            feed.campaign.campaign_id, feed.staging, feed.fed, feed.held
        )

    def _feed(self, feed: Feed) -> None:
        try:
            rows = feed.next_rows()
        except (ListDamaged, *MAY_HEAL) as error:
            self._postpone(feed, error)
            return
        self._readiness.meet(STORE)
        failpoint("feeder.read")
        delivery = self._publisher.publish(rows, feed.spread, self._goes_on)
        feed.settle(delivery.unsent)
        metrics.REQUESTS_FED.inc(delivery.acknowledged)
        if delivery.error and self._goes_on():
            self._postpone(feed, delivery.error)
        elif not delivery.unsent:
            self._count(feed)
            failpoint("feeder.acknowledged")

    def _count(self, feed: Feed) -> None:
        """A chunk is fed, and the list is not held any more."""
        if feed.held:
            log.info("list_restored", campaign_id=feed.campaign.campaign_id, next="it is fed on")
        feed.held, feed.retry_at = None, 0.0
        self._moved[feed.campaign.campaign_id] = feed
        if not feed.left:
            self._lists.remove(feed)

    def _postpone(self, feed: Feed, error: SeedcastError) -> None:
        """Let the other lists go on. Raises the error if it ends the process."""
        name, feed.retry_at = feed.campaign.campaign_id, self._clock() + RETRY
        if isinstance(error, MAY_HEAL):
            if isinstance(error, StoreUnavailable):
                self._readiness.lose(STORE)
            log.warning("unavailable", campaign_id=name, boundary="feed", problem=str(error))
            metrics.RETRIES.labels("feed").inc()
        elif isinstance(error, ListDamaged | Poison):
            if feed.held != str(error):
                log.error("list_held", campaign_id=name, problem=str(error))
            feed.held = str(error)
            self._moved[name] = feed
        else:
            raise error

    def _restore_disputed(self) -> None:
        """Write campaigns again whose latest record is that of a submission that came second."""
        campaigns = self._term.campaigns
        for name in sorted(campaigns.disputed):
            announce(self._producer, self._settings, campaigns.records[name])
        campaigns.disputed.clear()
