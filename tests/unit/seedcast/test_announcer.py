"""What a worker says of itself, and when: changes soon, heartbeats rarely, and no error."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from seedcast.codec import decode_worker
from seedcast.errors import AccessDenied, BrokerUnavailable, SeedcastError
from seedcast.fleet.announcer import HEARTBEAT, PAUSE, Announcer
from seedcast.kafka.memory_producer import MemoryProducer
from seedcast.schemas.messages import Worker
from tests.builders.workers import MOMENT, a_worker

TOPIC = "seedcast.workers"
WORKER = a_worker()


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return MOMENT + timedelta(seconds=self.seconds)


class RefusingProducer(MemoryProducer):
    """Raises from `send` as long as it has an error, as a real one does without a right."""

    def __init__(self) -> None:
        super().__init__()
        self.error: SeedcastError | None = None
        self.refreshed = list[str]()

    def send(self, topic: str, **record: object) -> None:  # type: ignore[override]
        if self.error:
            raise self.error
        super().send(topic, **record)  # type: ignore[arg-type]

    def refresh(self, topic: str) -> None:
        self.refreshed.append(topic)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def producer() -> RefusingProducer:
    return RefusingProducer()


@pytest.fixture
def announcer(producer: RefusingProducer, clock: Clock) -> Announcer:
    return Announcer(producer, TOPIC, clock=clock, now=clock.now)


def written(producer: MemoryProducer) -> list[Worker]:
    """Acknowledge what is under way; return every record so far."""
    producer.answer()
    return [decode_worker(sent.value or b"") for sent in producer.acknowledged]


def turns(announcer: Announcer, producer: MemoryProducer, clock: Clock, *workers: Worker) -> None:
    """Take one turn per PAUSE; the broker acknowledges at once."""
    for worker in workers:
        announcer.turn(worker)
        producer.answer()
        clock.seconds += PAUSE


def test_it_announces_itself_at_once_under_its_id(
    announcer: Announcer, producer: RefusingProducer
) -> None:
    announcer.turn(WORKER)
    [sent] = producer.outstanding
    assert (sent.topic, sent.key) == (TOPIC, WORKER.worker_id.encode())
    assert written(producer) == [replace(WORKER, heartbeat=MOMENT + timedelta(seconds=100))]


def test_a_worker_that_does_not_change_writes_one_record_per_heartbeat(
    announcer: Announcer, producer: RefusingProducer, clock: Clock
) -> None:
    turns(announcer, producer, clock, *[WORKER] * 20)
    instants = [worker.heartbeat.timestamp() for worker in written(producer)]
    assert [later - earlier for earlier, later in pairwise(instants)] == [HEARTBEAT] * 3


def test_a_change_is_written_at_the_next_turn_and_at_most_once_per_pause(
    announcer: Announcer, producer: RefusingProducer, clock: Clock
) -> None:
    turns(announcer, producer, clock, WORKER, replace(WORKER, busy=1))
    assert [worker.busy for worker in written(producer)] == [0, 1]
    for busy in range(2, 50):
        announcer.turn(replace(WORKER, busy=busy))
        producer.answer()
        clock.seconds += PAUSE / 8
    assert [worker.busy for worker in written(producer)] == [0, 1, 2, 10, 18, 26, 34, 42]


def test_in_an_outage_one_record_is_under_way_and_what_holds_then_follows_it(
    announcer: Announcer, producer: RefusingProducer, clock: Clock
) -> None:
    for busy in range(1000):
        announcer.turn(replace(WORKER, busy=busy % 9))
        clock.seconds += PAUSE
    assert len(producer.outstanding) == 1
    producer.answer()
    announcer.turn(replace(WORKER, busy=7))
    assert [worker.busy for worker in written(producer)] == [0, 7]


@pytest.mark.parametrize(
    "error", [AccessDenied("no right"), BrokerUnavailable("the client gave up")]
)
def test_a_refusal_raises_nothing_is_logged_once_and_tried_again_with_each_heartbeat(
    announcer: Announcer,
    producer: RefusingProducer,
    clock: Clock,
    error: SeedcastError,
) -> None:
    producer.error = error
    with capture_logs() as logged:
        for busy in range(20):
            announcer.turn(replace(WORKER, busy=busy))
            clock.seconds += PAUSE
        assert producer.refreshed == [TOPIC] * 3
        producer.error = None
        turns(announcer, producer, clock, *[WORKER] * 6)
    assert len(written(producer)) == 2
    assert [entry["event"] for entry in logged] == ["announcement_refused", "announced_again"]


def test_a_refused_delivery_is_tried_again(
    announcer: Announcer, producer: RefusingProducer, clock: Clock
) -> None:
    announcer.turn(WORKER)
    producer.answer(AccessDenied("no right"))
    clock.seconds += HEARTBEAT
    announcer.turn(WORKER)
    assert len(written(producer)) == 1


def test_it_leaves_with_a_tombstone_after_what_was_under_way(
    announcer: Announcer, producer: RefusingProducer
) -> None:
    announcer.turn(WORKER)
    announcer.leave(WORKER.worker_id)
    values = [(sent.key, sent.value is None) for sent in producer.acknowledged]
    assert values == [(WORKER.worker_id.encode(), last) for last in (False, True)]


def test_leaving_raises_nothing_where_it_is_refused(
    announcer: Announcer, producer: RefusingProducer
) -> None:
    producer.error = AccessDenied("no right")
    announcer.leave(WORKER.worker_id)
    assert producer.outstanding == []
