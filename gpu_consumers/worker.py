"""The loop: requests in, waveforms out, offsets committed when the broker has the audio.

Everything but the packing of waveforms runs on one thread; delivery reports and rebalance callbacks run inside its calls.
"""

import math
import threading
import time
from contextlib import ExitStack, suppress

import structlog

from gpu_consumers.admission import Admission, InFlight
from gpu_consumers.assignments import Assignments, Callbacks
from gpu_consumers.audio_backlog import AudioBacklog
from gpu_consumers.encoder_pool import EncoderPool
from gpu_consumers.engines import Engine, Utterance
from gpu_consumers.parking import Parking
from gpu_consumers.publisher import Publisher
from schemas.topics import REQUESTS, REQUESTS_URGENT
from seedcast import metrics
from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.catalog.profiles import Profiles
from seedcast.errors import SeedcastError
from seedcast.failpoints import failpoint
from seedcast.kafka import Producer
from seedcast.settings import Settings
from seedcast.watchdog import Watchdog
from storage.objects import ObjectStore

log = structlog.get_logger(__name__)

POLL_LIMIT = 64  # records between two engine steps
IDLE_POLL = 0.1  # seconds
STEER = 0.1  # seconds between two looks at the campaigns
HANDOVER = 20.0  # seconds for what is packed, and for its delivery reports, when partitions move
LAST = 2.0  # seconds for the same, where the drain took all of its time
PARTING = 10.0  # seconds for the last commits, which a rebalance may hold up or refuse


class Worker:
    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        profiles: Profiles,
        store: ObjectStore,
        partitions: dict[str, int],
    ) -> None:
        """`partitions`: how many each topic has, by full name."""
        self._settings, self._engine = settings, engine
        self._in_slots: dict[int, InFlight] = {}  # by ticket
        self._campaigns, self._steer_due = Campaigns(settings), 0.0
        self._campaigns.catch_up()  # before there are partitions
        self._publisher = Publisher(settings, store, Producer(settings))
        self._backlog = AudioBacklog(settings, self._publisher.audio_bytes)
        self._reception = Admission(settings, profiles, self._campaigns.state, self._publisher)
        self._handover = EncoderPool(engine, settings.gpu.encoders)
        callbacks = Callbacks(
            waiting=self._reception.waiting, flush=self._flush, forget=self._reception.forget
        )
        self._assignments = Assignments(
            settings, [settings.topic(REQUESTS_URGENT), settings.topic(REQUESTS)], callbacks
        )
        self._parking = Parking(
            settings, self._campaigns.state, self._publisher, partitions, self._flush
        )
        self._leave_by = math.inf  # no flush waits longer

    def run(self, stop: threading.Event, watchdog: Watchdog) -> None:
        """Until `stop` is set; then finishes what is in the slots, commits and leaves the group."""
        try:
            while not stop.is_set():
                self._steer()
                self._take()
                self._assignments.commit_when_due()
                if not self._publisher.full:
                    self._admit()
                    self._step()
                self._publish()
                self._parking.turn()
                self._publisher.poll()
                watchdog.beat()
            self._drain(watchdog)
        finally:
            self._close()

    def _steer(self) -> None:
        """Follows what operators decide about campaigns."""
        if time.monotonic() < self._steer_due:
            return
        self._steer_due = time.monotonic() + STEER
        if heard := self._campaigns.poll():
            self._reception.sweep(heard)
            self._parking.release(heard)

    def _take(self) -> None:
        work = (
            self._in_slots
            or len(self._handover)
            or (len(self._reception) and not self._backlog.over)
        )
        busy = self._parking.busy or (work and not self._publisher.full)
        for assignment, record in self._assignments.poll(POLL_LIMIT, 0.0 if busy else IDLE_POLL):
            failpoint("gpu.polled")
            self._reception.receive(assignment, record)

    def _admit(self) -> None:
        for ticket, flight in self._reception.admit(
            self._engine.slots - len(self._in_slots), bulk=not self._backlog.over
        ):
            self._engine.admit(ticket, flight.request)
            self._in_slots[ticket] = flight
        self._assignments.relieve()
        metrics.SLOTS_BUSY.set(len(self._in_slots))
        metrics.REQUESTS_WAITING.set(len(self._reception))

    def _step(self) -> None:
        if not self._in_slots:
            return
        with metrics.STEP_SECONDS.time():
            finished = self._engine.step()
        for utterance in finished:
            self._leave(utterance)

    def _leave(self, utterance: Utterance) -> None:
        failpoint("gpu.synthesised")
        flight = self._in_slots.pop(utterance.ticket)
        if utterance.waveform is not None:
            metrics.AUDIO_SYNTHESISED.inc(len(utterance.waveform) / self._engine.sample_rate)
        self._handover.give(flight, utterance)

    def _publish(self) -> None:
        """What is packed by now, as far as the broker takes it."""
        packed = self._handover.ready()
        while not self._publisher.full and (done := next(packed, None)):
            flight, synthesis = done
            if flight.assignment.ours:
                self._publisher.publish(flight.assignment, flight.record.offset, synthesis)
            else:
                metrics.REQUESTS_DROPPED.inc()

    def _flush(self) -> None:
        """Before partitions move: what is packed goes to the broker, as far as it takes it in time."""
        deadline = min(time.monotonic() + HANDOVER, self._leave_by)
        while len(self._handover) and time.monotonic() < deadline:
            self._publish()
            self._publisher.poll(0.01)
        self._publisher.flush(max(0.0, deadline - time.monotonic()))

    def _drain(self, watchdog: Watchdog) -> None:
        deadline = time.monotonic() + self._settings.gpu.drain
        log.info("draining", slots=len(self._in_slots), waiting=len(self._reception))
        while self._in_slots and time.monotonic() < deadline:
            if not self._publisher.full:
                self._step()
            self._publish()
            self._publisher.poll(0.01 if self._publisher.full else 0.0)
            watchdog.beat()
        self._leave_by = max(deadline, time.monotonic() + LAST)
        self._flush()
        if unfinished := len(self._in_slots) + len(self._handover):
            log.warning(
                "drain_incomplete", unfinished=unfinished, next="another worker repeats them"
            )

    def _part(self) -> None:
        """The last commits. Both groups are served until both have made theirs, else a rebalance of one would hold up other workers."""
        with suppress(SeedcastError):  # whatever failed: what was acknowledged is committed
            self._flush()
        deadline = time.monotonic() + PARTING
        while not (self._assignments.part() & self._parking.part()) and time.monotonic() < deadline:
            pass

    def _close(self) -> None:
        """After an error, too: a process does not end while librdkafka waits for somebody to answer a rebalance (measured)."""
        closes = (
            self._part,
            self._assignments.close,
            self._handover.close,
            self._parking.close,
            self._publisher.close,
            self._backlog.close,
            self._campaigns.__exit__,
            self._engine.close,
        )
        with ExitStack() as stack:  # each, whatever the others raise
            for close in reversed(closes):
                stack.callback(close)
        log.info("stopped")
