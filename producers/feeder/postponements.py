"""A list that cannot be fed is tried again a little later, and the others go on meanwhile."""

import time
from collections.abc import Callable

import structlog

from seedcast.errors import (
    CredentialsRefused,
    InvalidInput,
    ListDamaged,
    Poison,
    SeedcastError,
    StoreUnavailable,
)
from seedcast.health import Readiness
from seedcast.kafka import Producer
from seedcast.producers.feeder.checkpoints import Checkpoints
from seedcast.producers.feeder.feed import Feed
from seedcast.producers.feeder.lists import Lists
from seedcast.producers.feeder.outage import MAY_HEAL, report
from seedcast.worker import STORE

log = structlog.get_logger(__name__)

RETRY = 5.0  # seconds until a list that could not be fed is tried again


class Postponements:
    def __init__(
        self,
        producer: Producer,
        lists: Lists,
        checkpoints: Checkpoints,
        readiness: Readiness,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._producer, self._lists, self._checkpoints = producer, lists, checkpoints
        self._readiness, self._clock = readiness, clock
        self._refused: dict[str, SeedcastError] = {}  # by campaign id

    def is_postponed(self, feed: Feed) -> bool:
        return self._clock() < feed.retry_at

    def refused(self, campaign_id: str, error: SeedcastError) -> None:
        """The broker has refused a row of the list."""
        self._refused.setdefault(campaign_id, error)

    def settle(self) -> None:
        """Postpone the lists whose rows could not be read, or were refused.

        Raises the error if it ends the process.
        """
        for feed in list(self._lists.feedable.values()):
            if feed.flow and feed.flow.failure and feed.flow.failure is not feed.postponed_by:
                self.postpone(feed, feed.flow.failure)
        refused, self._refused = self._refused, {}
        for name, error in refused.items():
            if found := self._lists.feedable.get(name):
                self.postpone(found, error)
            if isinstance(error, CredentialsRefused):
                for topic in self._lists.topic_names:
                    self._producer.refresh(topic)

    def postpone(self, feed: Feed, error: Exception) -> None:
        """Raises the error if it ends the process."""
        feed.retry_at, feed.postponed_by = self._clock() + RETRY, error
        if feed.flow:
            feed.flow.failure = error
        if isinstance(error, MAY_HEAL):
            if isinstance(error, StoreUnavailable):
                self._readiness.lose(STORE)
            report("feed", error, campaign_id=feed.campaign.campaign_id)
        elif isinstance(error, ListDamaged | Poison | InvalidInput):
            self._hold(feed, str(error))
        else:
            raise error

    def end(self, feed: Feed) -> None:
        """A row of the list is fed."""
        if feed.held:
            log.info("list_restored", campaign_id=feed.campaign.campaign_id, next="it is fed on")
        feed.held, feed.retry_at = None, 0.0

    def _hold(self, feed: Feed, problem: str) -> None:
        if feed.held != problem:
            log.error("list_held", campaign_id=feed.campaign.campaign_id, problem=problem)
        feed.held = problem
        self._checkpoints.note(feed)
