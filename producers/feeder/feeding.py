"""What the active feeder does in its term: it keeps every partition a little ahead of its worker.

Whose row is next, when, and how many: policy/ decides it. This is where time, topics and the object
store come in.
"""

import time
from collections.abc import Callable
from functools import partial
from itertools import islice

from seedcast import metrics
from seedcast.campaigns.opening import is_due
from seedcast.errors import CredentialsRefused, ListDamaged, Poison, Retryable, SeedcastError
from seedcast.failpoints import failpoint
from seedcast.health import Readiness
from seedcast.kafka import Partition, Producer
from seedcast.producers.feeder.checkpoints import Checkpoints
from seedcast.producers.feeder.feed import Feed
from seedcast.producers.feeder.figures import Figures
from seedcast.producers.feeder.fleet_slots import FleetSlots
from seedcast.producers.feeder.lists import Lists
from seedcast.producers.feeder.outage import tolerated
from seedcast.producers.feeder.outcomes import Outcomes
from seedcast.producers.feeder.policy.release import Release, Released
from seedcast.producers.feeder.postponements import Postponements
from seedcast.producers.feeder.row import Row
from seedcast.producers.feeder.term import Term
from seedcast.settings import Settings
from seedcast.worker import STORE

CHUNK = 1000  # rows between two looks at what has changed
UNDER_WAY = 4  # chunks without an answer of the broker, at most: a cursor names each of their rows
CHECKPOINT = 1.0  # seconds; rows fed within it are fed again after a crash
TERMS = 1.0  # seconds between two looks at deadlines and slots
GRACE = 5.0  # seconds in which what is sent may still be acknowledged, once the term is over
ACKNOWLEDGED = 0.05  # seconds to wait for the broker where nothing else is to do

Sent = Released[Row, Partition]


class Feeding:
    def __init__(
        self,
        settings: Settings,
        producer: Producer,
        lists: Lists,
        outcomes: Outcomes,
        fleet: FleetSlots,
        term: Term,
        readiness: Readiness,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._producer = producer
        self._lists, self._outcomes, self._fleet, self._term = lists, outcomes, fleet, term
        self._readiness = readiness
        self._clock, self._now = clock, now
        self._figures = Figures(settings, lists, outcomes, fleet)
        self._checkpoints = Checkpoints(settings, producer, term)
        self._postponements = Postponements(producer, lists, self._checkpoints, readiness, clock)
        self._release = Release[Row, Partition](
            outcomes.depth,
            id_of=lambda row: row.request_id,
            partition_of=lambda row: row.partition,
            cost_of=outcomes.cost_of,
        )
        self._under_way = 0  # rows without an answer of the broker
        self._checkpoint_at = self._terms_at = 0.0
        lists.update(term.campaigns.records, term.campaigns.records, now())

    def turn(self) -> bool:
        """Feed what has room; return False if that was nothing. Raises Fatal errors."""
        self.wait(0.0)
        if self.is_over:
            return False
        self._open_lists()
        sent = 0
        most = min(CHUNK, UNDER_WAY * CHUNK - self._under_way)
        for released in islice(self._release.turn(self._now()), max(0, most)):
            self._send(released)
            sent += 1
        if sent:
            self._readiness.meet(STORE)
            failpoint("feeder.sent")
        self._producer.poll()
        self._postponements.settle()
        if self._clock() >= self._checkpoint_at:
            self.checkpoint()
        return sent > 0

    def wait(self, seconds: float) -> None:
        """Take over what changes within that time. Raises Fatal errors."""
        self._term.cursors.poll()
        self._fleet.poll()
        for campaign_id, audio in self._outcomes.poll():
            self._figures.finished(audio, self._now())
            if feed := self._lists.feedable.get(campaign_id):
                feed.throughput.add(audio, self._now())
        if self._under_way:
            self._producer.flush(min(seconds, ACKNOWLEDGED))
            self._postponements.settle()
        if changed := self._term.campaigns.poll(seconds):
            self._lists.update(changed, self._term.campaigns.records, self._now())
            self._terms_at = 0.0

    @property
    def is_over(self) -> bool:
        """Return True if another feeder has taken over, whatever the group says."""
        return self._term.is_over

    def finish(self) -> bool:
        """Return True if every list is fed that is not paused or held, and the cursors say so."""
        if self._is_fed():
            self.checkpoint()
        return self._is_fed() and self._checkpoints.is_written

    @property
    def is_busy(self) -> bool:
        """True while rows wait for room or for an answer of the broker, not for their time."""
        now, feeds = self._now(), self._lists.feedable.values()
        return self._under_way > 0 or any(feed.flow and feed.flow.may_feed(now) for feed in feeds)

    def end(self) -> None:
        """Wait a little for what is under way, and write the last cursors.

        The rest of a checkpoint is the next feeder's: it may wait long for an unavailable broker.
        """
        self._producer.flush(GRACE)
        self._producer.abandon()
        if not self.is_over:
            with tolerated("broker"):
                self._checkpoints.write()

    def checkpoint(self) -> None:
        """Write the cursors that have moved, and what must hold after compaction."""
        self._checkpoint_at = self._clock() + CHECKPOINT
        if self.is_over:  # the next feeder has begun from what was written
            return
        with tolerated("broker"):
            self._checkpoints.write()
            self._outcomes.forget_lost()
            if (rendering := self._outcomes.rendering()) is not None:
                self._checkpoints.render(rendering)
            self._checkpoints.restore()
        self._figures.show(self._now())

    def _is_fed(self) -> bool:
        now, feeds = self._now(), self._lists.feedable.values()
        return not self._under_way and all(
            feed.held or not is_due(feed.campaign, now) for feed in feeds
        )

    def _open_lists(self) -> None:
        """Give the policy the lists that may be fed, and the terms that hold now."""
        opened = [feed for feed in self._lists.feedable.values() if self._open(feed)]
        if not opened and self._clock() < self._terms_at:
            return
        self._terms_at, now = self._clock() + TERMS, self._now()
        self._fleet.set_slots(self._outcomes.depth)
        feeds = self._lists.feedable.items()
        flows = {name: feed.flow for name, feed in feeds if feed.flow}
        self._release.set_flows(flows, {name: feed.terms(now) for name, feed in feeds})

    def _open(self, feed: Feed) -> bool:
        """Open a list, or try again after an error; return True if that is new."""
        if (feed.flow and not feed.flow.failure) or self._postponements.is_postponed(feed):
            return False
        try:
            feed.open(self._now())
        except (ListDamaged, Retryable) as error:
            self._postponements.postpone(feed, error)
            return False
        return True

    def _send(self, released: Sent) -> None:
        row = released.row
        failpoint("feeder.read")
        self._under_way += 1
        report = partial(self._delivered, released)
        if self._outcomes.was_found(row.request_id):
            report(None)
            return
        self._outcomes.sent(released)
        try:
            self._producer.send(
                row.place.topic,
                key=row.place.key,
                value=row.value,
                on_delivery=report,
                on_offset=partial(self._outcomes.acknowledged, row.request_id, row.partition),
                partition=row.place.partition,
            )
        except (Poison, Retryable, CredentialsRefused) as error:  # refused a moment ago
            report(error)

    def _delivered(self, released: Sent, error: SeedcastError | None) -> None:
        self._under_way -= 1
        feed = self._lists.of(released.campaign)
        self._settle_row(released, feed, error)
        if feed and released.campaign not in self._lists.feedable:
            feed.close()

    def _settle_row(self, released: Sent, feed: Feed | None, error: SeedcastError | None) -> None:
        if error is None:
            self._release.acknowledge(released)
            failpoint("feeder.acknowledged")
            metrics.REQUESTS_FED.inc()
            if feed:
                self._count(feed, released)
            return
        self._release.give_back(released)
        self._outcomes.forget(released.request_id)
        if feed and feed.flow is released.flow:  # not of a list that was staged anew
            feed.row_refused(released.request_id, error)

    def _count(self, feed: Feed, released: Sent) -> None:
        feed.row_taken(released.request_id)
        if feed.told:
            self._postponements.tell(feed)
        # Not what it cost: of late rows that says nothing of those behind them.
        feed.learn_cost(self._outcomes.costs.predict(released.row.measure))
        self._checkpoints.note(feed)
        if not feed.left:
            self._lists.remove(feed)
