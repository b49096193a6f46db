"""A feeder: it waits until it is the active one, then feeds until its term is over."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing

import structlog

from seedcast import metrics
from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.errors import Retryable
from seedcast.kafka import Producer
from seedcast.producers.feeder.feeding import Feeding
from seedcast.producers.feeder.membership import Membership
from seedcast.producers.feeder.publisher import Publisher
from seedcast.producers.feeder.sweep import Sweep
from seedcast.producers.feeder.term import begin_term
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectStore
from seedcast.watchdog import Watchdog

log = structlog.get_logger(__name__)

IDLE = 0.5  # seconds between two looks, while there is nothing to do


class Feeder:
    """Every method runs on one thread."""

    def __init__(
        self, settings: Settings, store: ObjectStore, partitions: dict[str, int], cluster_id: str
    ) -> None:
        """`partitions`: how many each topic has, by full name."""
        self._settings, self._store = settings, store
        self._producer = Producer(settings)
        self._publisher = Publisher(settings, self._producer, partitions)
        self._sweep = Sweep(settings, store, cluster_id)
        self._campaigns = Campaigns(settings)
        self._campaigns.catch_up()
        self._campaigns.follow()
        self._membership = Membership(settings)

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
                if self._membership.is_active(IDLE) and self._serve_term(goes_on, once):
                    return
        finally:
            self._close()

    def _serve_term(self, goes_on: Callable[[], bool], once: bool) -> bool:
        """Feed until the term is over; with `once`, return True when everything is fed."""
        try:
            generation, cursors = begin_term(self._settings, self._producer)
        except Retryable as error:
            log.warning("unavailable", boundary="broker", problem=str(error))
            return False
        with closing(cursors), metrics.FEEDER_ACTIVE.track_inprogress():
            cursors.follow()
            feeding = Feeding(
                self._settings,
                self._store,
                self._producer,
                self._publisher,
                self._campaigns,
                cursors,
                generation,
                goes_on,
            )
            done = self._feed(feeding, goes_on, once)
            feeding.checkpoint()
        return done

    def _feed(self, feeding: Feeding, goes_on: Callable[[], bool], once: bool) -> bool:
        while goes_on():
            if feeding.turn():
                continue
            if once and feeding.is_done():
                return True
            self._sweep.when_due(self._campaigns.records)
            self._campaigns.poll(IDLE)
        return False

    def _close(self) -> None:
        with ExitStack() as stack:  # runs each of them, whatever the others raise
            stack.callback(self._campaigns.close)
            stack.callback(self._producer.abandon)
            stack.callback(self._membership.close)
        log.info("stopped")
