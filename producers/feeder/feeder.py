"""A feeder: it waits until it is the active one, then feeds until its term is over."""

import math
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import structlog

from seedcast import metrics
from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.campaigns.cursor_topic import read_cursors
from seedcast.health import Readiness
from seedcast.kafka import ActiveMember, Producer
from seedcast.producers.feeder.feeding import Feeding
from seedcast.producers.feeder.figures import shown_figures
from seedcast.producers.feeder.fleet_slots import FleetSlots
from seedcast.producers.feeder.lists import Lists, are_fed
from seedcast.producers.feeder.outage import tolerated
from seedcast.producers.feeder.outcomes import Outcomes
from seedcast.producers.feeder.sweep import Sweep
from seedcast.producers.feeder.term import Term, begin_term
from seedcast.producers.request_topics import RequestTopics
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.topics import FEEDERS
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectStore
from seedcast.watchdog import Watchdog

log = structlog.get_logger(__name__)

IDLE = 0.5  # seconds between two looks, while there is nothing to do
LOOK = 3.0  # seconds between two looks at what another feeder does
AHEAD = 0.05  # the same, while rows wait for room


class Feeder:
    """Every method runs on one thread."""

    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        partitions: dict[str, int],
        cluster_id: str,
        readiness: Readiness,
    ) -> None:
        """`partitions`: how many each topic has, by full name."""
        self._settings, self._store, self._readiness = settings, store, readiness
        self._producer = Producer(settings)
        self._partitions = partitions
        self._sweep = Sweep(settings, store, cluster_id, lambda: read_campaigns(settings))
        self._membership = ActiveMember(settings, FEEDERS)
        self._look_at = time.monotonic() + LOOK  # this one may be about to become active

    def run(self, stop: threading.Event, watchdog: Watchdog, *, once: bool = False) -> None:
        """Run until `stop` is set; with `once`, until every list is fed that can be.

        Raises Fatal errors.
        """

        def goes_on() -> bool:
            watchdog.beat()
            return self._membership.is_active() and not stop.is_set()

        try:
            while not stop.is_set():
                watchdog.beat()
                if self._membership.is_active(IDLE):
                    done = self._serve_term(goes_on, once)
                else:
                    done = once and self._others_have_fed()
                if done:
                    return
        finally:
            self._close()

    def _others_have_fed(self) -> bool:
        """Look every few seconds whether the active feeder has left nothing to do."""
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + LOOK
        with tolerated("broker"):
            campaigns, cursors = read_campaigns(self._settings), read_cursors(self._settings)
            return are_fed(campaigns, cursors, time.time())
        return False

    def _serve_term(self, goes_on: Callable[[], bool], once: bool) -> bool:
        """Feed until the term is over; with `once`, return True when everything is fed."""
        with tolerated("broker"):
            if term := begin_term(self._settings, self._producer, goes_on):
                with term, metrics.FEEDER_ACTIVE.track_inprogress(), shown_figures():
                    return self._feed(term, goes_on, once)
        return False

    def _feed(self, term: Term, goes_on: Callable[[], bool], once: bool) -> bool:
        ahead = math.inf if once else self._settings.feeder.ahead
        lists = Lists(self._settings, self._store, self._partitions, term.cursors)
        with (
            Outcomes(self._settings, ahead) as outcomes,
            FleetSlots(self._settings, self._partitions) as fleet,
        ):
            if not once and not outcomes.rebuild(partial(_topics_of, term, lists), goes_on):
                return False
            feeding = Feeding(
                self._settings,
                self._producer,
                lists,
                outcomes,
                fleet,
                term,
                self._readiness,
            )
            return self._loop(feeding, goes_on, once)

    def _loop(self, feeding: Feeding, goes_on: Callable[[], bool], once: bool) -> bool:
        done = False
        while not done and goes_on() and not feeding.is_over:
            if feeding.turn():
                continue
            done = once and feeding.finish()
            self._sweep.when_due(goes_on)
            feeding.wait(0.0 if done else AHEAD if feeding.is_busy else IDLE)
        feeding.end()
        return done

    def _close(self) -> None:
        with ExitStack() as stack:  # runs each of them, whatever the others raise
            stack.callback(self._producer.abandon)
            stack.callback(self._membership.close)
        log.info("stopped")


def _topics_of(term: Term, lists: Lists, request: SpeechRequest) -> RequestTopics | None:
    campaign = term.campaigns.records.get(request.campaign_id)
    return lists.topics(campaign) if campaign and campaign.staged else None
