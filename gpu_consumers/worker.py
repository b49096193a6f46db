"""The loop: requests in, waveforms out, offsets committed when the broker has the audio.

Everything runs on one thread; delivery reports and rebalance callbacks run inside its calls.
"""

import threading
import time
from dataclasses import dataclass

import structlog

from gpu_consumers import outcome
from gpu_consumers.assignments import Assignment, Assignments, Callbacks
from gpu_consumers.engines import Engine, Utterance
from gpu_consumers.publisher import Publisher
from gpu_consumers.scheduler import Scheduler, Waiting
from schemas.messages import Rejected, SpeechRequest
from schemas.topics import REQUESTS, REQUESTS_URGENT
from seedcast import metrics
from seedcast.errors import Undecodable
from seedcast.kafka import Partition, Producer, Record
from seedcast.profiles import Profiles
from seedcast.settings import Settings
from seedcast.watchdog import Watchdog
from storage.objects import ObjectStore

log = structlog.get_logger(__name__)

POLL_LIMIT = 64  # records between two engine steps
IDLE_POLL = 0.1  # seconds


@dataclass(frozen=True)
class Flight:
    """A request between its offset and its audio."""

    assignment: Assignment
    offset: int
    request: SpeechRequest


class Worker:
    def __init__(self, settings: Settings, engine: Engine, profiles: Profiles, store: ObjectStore) -> None:
        self._settings, self._engine, self._profiles = settings, engine, profiles
        self._scheduler = Scheduler()
        self._flights: dict[int, Flight] = {}
        self._in_slots: set[int] = set()
        self._tickets = 0
        self._urgent_topic = settings.topic(REQUESTS_URGENT)
        self._publisher = Publisher(settings, store, Producer(settings))
        callbacks = Callbacks(waiting=self._scheduler.waiting, flush=self._publisher.flush, forget=self._forget)
        self._assignments = Assignments(settings, [settings.topic(REQUESTS), self._urgent_topic], callbacks)

    def run(self, stop: threading.Event, watchdog: Watchdog) -> None:
        """Until `stop` is set; then finishes what is in the slots, commits and leaves the group."""
        while not stop.is_set():
            self._take()
            self._admit()
            self._step()
            self._publisher.poll()
            self._assignments.commit_when_due()
            watchdog.beat()
        self._drain(watchdog)

    def _take(self) -> None:
        timeout = 0.0 if self._in_slots or len(self._scheduler) else IDLE_POLL
        for assignment, record in self._assignments.poll(POLL_LIMIT, timeout):
            self._sort(assignment, record)

    def _sort(self, assignment: Assignment, record: Record) -> None:
        """A request waits for a slot; what can never work is answered at once."""
        match outcome.of_record(record.value, self._profiles):
            case SpeechRequest() as request:
                self._wait(Flight(assignment, record.offset, request))
            case Rejected() as rejected:
                self._publisher.publish(assignment, record.offset, rejected)
            case Undecodable() as error:
                self._publisher.bury(assignment, record, error)

    def _wait(self, flight: Flight) -> None:
        self._tickets += 1
        self._flights[self._tickets] = flight
        partition, request = flight.assignment.partition, flight.request
        deadline = request.deadline.timestamp() if request.deadline else None
        self._scheduler.add(partition, Waiting.of(self._tickets, len(request.text), deadline, urgent=partition.topic == self._urgent_topic))

    def _admit(self) -> None:
        while (free := self._engine.slots - len(self._in_slots)) and (tickets := list(self._scheduler.fill(free))):
            for ticket in tickets:
                self._enter(ticket, self._flights[ticket])
        self._assignments.relieve()
        metrics.SLOTS_BUSY.set(len(self._in_slots))
        metrics.REQUESTS_WAITING.set(len(self._scheduler))

    def _enter(self, ticket: int, flight: Flight) -> None:
        """The deadline is judged here, once."""
        if expired := outcome.expired(flight.request, time.time()):
            del self._flights[ticket]
            self._publisher.publish(flight.assignment, flight.offset, expired)
        else:
            self._engine.admit(ticket, flight.request)
            self._in_slots.add(ticket)

    def _step(self) -> None:
        if not self._in_slots:
            return
        with metrics.STEP_SECONDS.time():
            finished = self._engine.step()
        for utterance in finished:
            self._leave(utterance)

    def _leave(self, utterance: Utterance) -> None:
        self._in_slots.discard(utterance.ticket)
        flight = self._flights.pop(utterance.ticket)
        if not flight.assignment.ours:
            metrics.REQUESTS_DROPPED.inc()
            return
        if utterance.waveform is not None:
            metrics.AUDIO_SYNTHESISED.inc(len(utterance.waveform) / self._engine.sample_rate)
        self._publisher.publish(flight.assignment, flight.offset, outcome.of_utterance(flight.request, utterance, self._engine))

    def _forget(self, partition: Partition) -> None:
        for ticket in self._scheduler.drop(partition):
            del self._flights[ticket]

    def _drain(self, watchdog: Watchdog) -> None:
        deadline = time.monotonic() + self._settings.gpu.drain
        log.info("draining", slots=len(self._in_slots), waiting=len(self._scheduler))
        while self._in_slots and time.monotonic() < deadline:
            self._step()
            self._publisher.poll()
            watchdog.beat()
        if unfinished := len(self._in_slots):
            log.warning("drain_incomplete", unfinished=unfinished, next="another worker repeats them")
        self._assignments.close()
        self._publisher.close()
        self._engine.close()
        log.info("stopped")
