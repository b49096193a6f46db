"""The loop: requests in, waveforms out, offsets committed once the broker has the audio.

Everything but the encoding of waveforms runs on one thread. Delivery reports and rebalance
callbacks run inside its calls.
"""

import math
import threading
import time
from contextlib import ExitStack, suppress

import structlog

from seedcast import metrics
from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.catalog.profiles import Profiles
from seedcast.errors import SeedcastError
from seedcast.failpoints import failpoint
from seedcast.gpu_consumers.admission import Admission, InFlight
from seedcast.gpu_consumers.assignments import Assignments, Callbacks
from seedcast.gpu_consumers.audio_backlog import AudioBacklog
from seedcast.gpu_consumers.encoder_pool import EncoderPool
from seedcast.gpu_consumers.engines import Engine, Utterance
from seedcast.gpu_consumers.publisher import Publisher
from seedcast.kafka import Producer
from seedcast.schemas.topics import NORMAL, URGENT
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectStore
from seedcast.watchdog import Watchdog

log = structlog.get_logger(__name__)

POLL_LIMIT = 64  # records between two engine steps
IDLE_POLL = 0.1  # seconds
CAMPAIGN_POLL = 0.1  # seconds between two looks at the campaigns
FLUSH = 20.0  # seconds for what is encoded, and its delivery reports, when partitions move
LAST_FLUSH = 2.0  # seconds for the same, if the drain took all of its time
LAST_COMMIT = 10.0  # seconds for the last commits, which a rebalance may hold up or refuse


class Worker:
    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        profiles: Profiles,
        store: ObjectStore,
    ) -> None:
        self._settings, self._engine = settings, engine
        self._in_engine: dict[int, InFlight] = {}  # by ticket
        self._campaigns, self._campaigns_due = Campaigns(settings), 0.0
        self._campaigns.catch_up()  # before any partition is assigned
        self._campaigns.follow()
        self._publisher = Publisher(settings, store, Producer(settings))
        self._admission = Admission(settings, profiles, self._campaigns.state, self._publisher)
        self._backlog = AudioBacklog(settings, self._publisher.audio_bytes, self._has_requests)
        self._encoders = EncoderPool(engine, settings.kafka.max_record_bytes, settings.gpu.encoders)
        callbacks = Callbacks(self._admission.waiting, self._flush, self._admission.forget)
        topics = [settings.topic(lane.requests) for lane in (URGENT, NORMAL)]
        self._assignments = Assignments(settings, topics, callbacks)
        self._flush_by = math.inf  # no flush waits longer

    def run(self, stop: threading.Event, watchdog: Watchdog) -> None:
        """Run until `stop` is set; then finish what is in the slots, commit and leave."""
        try:
            while not stop.is_set():
                self._follow_campaigns()
                self._receive()
                self._assignments.commit_when_due()
                if not self._publisher.full:
                    self._admit()
                    self._step()
                self._publish()
                self._publisher.poll()
                watchdog.beat()
            self._drain(watchdog)
        finally:
            self._close()

    @property
    def busy(self) -> int:
        """The number of slots that are taken; for any thread."""
        return min(len(self._in_engine), self._engine.slots)

    def _follow_campaigns(self) -> None:
        """Apply what operators decide about campaigns."""
        if time.monotonic() < self._campaigns_due:
            return
        self._campaigns_due = time.monotonic() + CAMPAIGN_POLL
        if changed := self._campaigns.poll():
            self._admission.sweep(changed)

    def _receive(self) -> None:
        timeout = 0.0 if self._is_busy() else IDLE_POLL
        for assignment, record in self._assignments.poll(POLL_LIMIT, timeout):
            failpoint("gpu.polled")
            self._admission.receive(assignment, record)

    def _has_requests(self) -> bool:
        return bool(self._in_engine or len(self._admission))

    def _is_busy(self) -> bool:
        """True if there is work to do without another record."""
        admissible = len(self._admission) and not self._backlog.over
        work = self._in_engine or len(self._encoders) or admissible
        return bool(work) and not self._publisher.full

    def _admit(self) -> None:
        free = self._engine.capacity - len(self._in_engine)
        for ticket, request in self._admission.admit(free, bulk=not self._backlog.over):
            self._engine.admit(ticket, request.request)
            self._in_engine[ticket] = request
        self._assignments.unthrottle()
        metrics.SLOTS_BUSY.set(self.busy)
        metrics.REQUESTS_WAITING.set(len(self._admission))

    def _step(self) -> None:
        if not self._in_engine:
            return
        with metrics.STEP_SECONDS.time():
            finished = self._engine.step()
        for utterance in finished:
            self._encode(utterance)

    def _encode(self, utterance: Utterance) -> None:
        failpoint("gpu.synthesised")
        request = self._in_engine.pop(utterance.ticket)
        if utterance.waveform is not None:
            metrics.AUDIO_SYNTHESISED.inc(len(utterance.waveform) / self._engine.sample_rate)
        self._encoders.submit(request, utterance)

    def _publish(self) -> None:
        """Publish what is encoded by now, as far as the broker takes it."""
        completed = self._encoders.completed()
        while not self._publisher.full and (each := next(completed, None)):
            request, synthesis = each
            if request.assignment.owned:
                self._publisher.publish(request.assignment, request.offset, synthesis)
            else:
                metrics.REQUESTS_DROPPED.inc()

    def _flush(self) -> None:
        """Before a revocation or the end: finish encoding, publish, await acknowledgements."""
        deadline = min(time.monotonic() + FLUSH, self._flush_by)
        while len(self._encoders) and time.monotonic() < deadline:
            self._publish()
            self._publisher.poll(0.01)
        self._publisher.flush(max(0.0, deadline - time.monotonic()))

    def _drain(self, watchdog: Watchdog) -> None:
        deadline = time.monotonic() + self._settings.gpu.drain
        log.info("draining", slots=len(self._in_engine), waiting=len(self._admission))
        while self._in_engine and time.monotonic() < deadline:
            if not self._publisher.full:
                self._step()
            self._publish()
            self._publisher.poll(0.01 if self._publisher.full else 0.0)
            watchdog.beat()
        self._flush_by = max(deadline, time.monotonic() + LAST_FLUSH)
        self._flush()
        if unfinished := len(self._in_engine) + len(self._encoders):
            log.warning("drain_incomplete", unfinished=unfinished, next="another worker repeats it")

    def _commit_last(self) -> None:
        """Make the last commits. The group is served meanwhile: its rebalance holds up others."""
        with suppress(SeedcastError):  # commit what was acknowledged, whatever failed
            self._flush()
        deadline = time.monotonic() + LAST_COMMIT
        while time.monotonic() < deadline:
            if self._assignments.leave_round():
                return

    def _close(self) -> None:
        """Close everything, after an error too.

        A process does not end while librdkafka waits for an answer to a rebalance (measured).
        """
        closes = (
            self._commit_last,
            self._assignments.close,
            self._encoders.close,
            self._publisher.close,
            self._backlog.close,
            self._campaigns.close,
            self._engine.close,
        )
        with ExitStack() as stack:  # runs each of them, whatever the others raise
            for close in reversed(closes):
                stack.callback(close)
        log.info("stopped")
