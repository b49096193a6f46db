"""An indexer: it waits until it is the active one, then indexes until its term is over."""

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack

import structlog

from seedcast import metrics
from seedcast.errors import BrokerUnavailable, CredentialsRefused, Retryable
from seedcast.health import Readiness
from seedcast.kafka import ActiveMember, Producer
from seedcast.schemas.topics import INDEXERS
from seedcast.settings import Settings
from seedcast.storage.index.writer import TermOver
from seedcast.storage.objects import ObjectStore
from seedcast.stream_apps.index.figures import Figures
from seedcast.stream_apps.index.interrupted import Interrupted
from seedcast.stream_apps.index.term import Term, begin_term
from seedcast.watchdog import Watchdog

log = structlog.get_logger(__name__)

INDEX = "index"  # what readiness may wait for
IDLE = 0.5  # seconds between two looks of one that is not active
PAUSE = 2.0  # seconds after an outage until the next try
# An outage, refused credentials, a missing right.
MAY_HEAL = (Retryable, CredentialsRefused)


class Indexer:
    """Every method runs on one thread."""

    def __init__(self, settings: Settings, store: ObjectStore, readiness: Readiness) -> None:
        self._settings, self._store, self._readiness = settings, store, readiness
        self._name = uuid.uuid4().hex
        self._producer = Producer(settings)
        self._member = ActiveMember(settings, INDEXERS)
        self._not_before = 0.0  # seconds of the monotonic clock: when the next term may begin
        self._figures = Figures()

    def run(self, stop: threading.Event, watchdog: Watchdog) -> None:
        """Run until `stop` is set. Raises Fatal errors."""

        def goes_on() -> bool:
            watchdog.beat()
            return self._member.is_active() and not stop.is_set()

        try:
            while not stop.is_set():
                watchdog.beat()
                active = self._member.is_active(IDLE)
                if not active:
                    self._readiness.meet(INDEX)  # one that stands by needs none
                elif time.monotonic() >= self._not_before:
                    self._serve_term(goes_on)
                else:
                    self._figures.away()
        finally:
            self._close()

    def _serve_term(self, goes_on: Callable[[], bool]) -> None:
        """Index until the term is over. An outage ends it, too: the next one reads where it is."""
        try:
            with (
                begin_term(
                    self._settings, self._name, self._store, self._producer, self._member, goes_on
                ) as term,
                metrics.INDEXER_ACTIVE.track_inprogress(),
            ):
                self._readiness.meet(INDEX)
                self._index(term, goes_on)
        except Interrupted:
            return
        except TermOver:
            # It may be this one that has lost its place and has not been told so: without a pause
            # the two would end each other's terms until then.
            self._postpone(self._settings.kafka.session_timeout)
            log.warning("term_over", next="stands by")
        except MAY_HEAL as error:
            self._postpone(PAUSE)
            boundary = "broker" if isinstance(error, BrokerUnavailable) else "index"
            metrics.RETRIES.labels(boundary).inc()
            if boundary == "index":
                self._readiness.lose(INDEX)
            log.warning("unavailable", boundary=boundary, problem=str(error))

    def _index(self, term: Term, goes_on: Callable[[], bool]) -> None:
        while goes_on() and not term.is_outdated():
            term.turn()
            self._figures.show(term)

    def _postpone(self, seconds: float) -> None:
        self._not_before = time.monotonic() + seconds
        self._figures.away()

    def _close(self) -> None:
        with ExitStack() as stack:  # runs each of them, whatever the others raise
            stack.callback(self._producer.abandon)
            stack.callback(self._member.close)
        log.info("stopped")
