"""A list that cannot be fed is tried again a little later, and the others go on meanwhile."""

import time
from collections.abc import Callable

import structlog

from seedcast.errors import CredentialsRefused, StoreUnavailable
from seedcast.health import Readiness
from seedcast.kafka import Producer
from seedcast.producers.feeder.checkpoints import Checkpoints
from seedcast.producers.feeder.feed import HOLDING, Feed
from seedcast.producers.feeder.lists import Lists
from seedcast.producers.feeder.outage import MAY_HEAL, report
from seedcast.worker import STORE

log = structlog.get_logger(__name__)

RETRY = 5.0  # seconds until a list that could not be fed is tried again


class Postponements:
    """A list is tried again when it is due, whatever the broker says of its other rows meanwhile.

    Why it is held is the list's own knowledge: it ends where the row that it was held for is read,
    or taken by the broker.
    """

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

    def is_postponed(self, feed: Feed) -> bool:
        return self._clock() < feed.retry_at

    def settle(self) -> None:
        """Postpone the lists whose rows could not be read, or were refused.

        Raises the error if it ends the process.
        """
        for feed in list(self._lists.feedable.values()):
            if feed.flow and feed.flow.failure and feed.flow.failure is not feed.postponed_by:
                self.postpone(feed, feed.flow.failure)
            self.tell(feed)

    def postpone(self, feed: Feed, error: Exception) -> None:
        """Raises the error if it ends the process."""
        feed.retry_at, feed.postponed_by = self._clock() + RETRY, error
        if feed.flow:
            feed.flow.failure = error
        if not isinstance(error, MAY_HEAL):
            if not isinstance(error, HOLDING):
                raise error
            return
        if isinstance(error, StoreUnavailable):
            self._readiness.lose(STORE)
        if isinstance(error, CredentialsRefused):
            for topic in self._lists.topic_names:
                self._producer.refresh(topic)
        report("feed", error, campaign_id=feed.campaign.campaign_id)

    def tell(self, feed: Feed) -> None:
        """Log it, and let the cursor say so, where a list is newly held, or not any more."""
        problem, campaign = feed.held, feed.campaign.campaign_id
        if problem == feed.told:
            return
        feed.told = problem
        self._checkpoints.note(feed)
        if problem:
            log.error("list_held", campaign_id=campaign, problem=problem)
        else:
            log.info("list_restored", campaign_id=campaign, next="it is fed on")
