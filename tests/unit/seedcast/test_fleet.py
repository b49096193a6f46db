"""Who is alive, by hand-made records: silence, tombstones, clocks, and what cannot be read."""

from datetime import timedelta

import msgspec
import pytest
from structlog.testing import capture_logs

from seedcast.codec import encode_json
from seedcast.fleet.fleet import SILENCE, Fleet, mixed_fingerprints
from seedcast.kafka import Partition, Record
from seedcast.schemas.messages import Worker
from tests.builders.workers import MOMENT, a_worker

DAY = 86_400.0
PLACE = Partition("seedcast.workers", 0)


class Follower:
    """A fleet whose clocks stand still until a test moves them."""

    def __init__(self) -> None:
        self.clock, self.now = 1000.0, MOMENT.timestamp()
        self.fleet = Fleet(clock=lambda: self.clock, now=lambda: self.now)

    def passes(self, seconds: float) -> None:
        self.clock += seconds
        self.now += seconds

    def was_there(self, worker: Worker, *, age: float) -> None:
        """`age`: of the broker's timestamp, by our clock."""
        self.apply(worker.worker_id, encode_json(worker), self.now - age, arrives=False)

    def arrives(self, worker: Worker, *, timestamp: float = 0.0) -> None:
        self.apply(worker.worker_id, encode_json(worker), timestamp, arrives=True)

    def tombstone(self, worker_id: str) -> None:
        self.apply(worker_id, b"", self.now, arrives=True)

    def apply(self, key: str, value: bytes, timestamp: float, *, arrives: bool) -> None:
        record = Record(PLACE, 7, key.encode(), value, (), int(1000 * timestamp))
        self.fleet.apply(record, arrives=arrives)

    @property
    def alive(self) -> list[str]:
        return [seen.worker.worker_id for seen in self.fleet.live()]


@pytest.fixture
def follower() -> Follower:
    return Follower()


def test_a_worker_is_gone_after_three_silent_heartbeats(follower: Follower) -> None:
    follower.arrives(a_worker("a"))
    follower.arrives(a_worker("b"))
    follower.passes(SILENCE)
    assert follower.alive == ["a", "b"]
    follower.arrives(a_worker("b"))
    follower.passes(0.1)
    assert follower.alive == ["b"]
    follower.arrives(a_worker("a"))
    assert follower.alive == ["a", "b"]


def test_a_tombstone_ends_a_worker_at_once_and_one_of_a_stranger_is_nothing(
    follower: Follower,
) -> None:
    follower.arrives(a_worker("a"))
    follower.tombstone("stranger")
    assert follower.alive == ["a"]
    follower.tombstone("a")
    assert follower.alive == []


def test_the_latest_record_of_a_worker_holds(follower: Follower) -> None:
    follower.was_there(a_worker("a", state="starting", slots=None), age=9.0)
    follower.was_there(a_worker("a", busy=3), age=4.0)
    [seen] = follower.fleet.live()
    assert (seen.worker.state, seen.worker.busy, seen.seconds) == ("ready", 3, 4.0)


def test_a_record_that_was_there_is_as_old_as_the_broker_says(follower: Follower) -> None:
    follower.was_there(a_worker("dead"), age=SILENCE + 1)
    follower.was_there(a_worker("alive"), age=SILENCE - 1)
    assert follower.alive == ["alive"]
    follower.passes(1.5)
    assert follower.alive == []


@pytest.mark.parametrize("off", [-2 * DAY, 2 * DAY])
def test_the_workers_own_clock_counts_for_nothing(follower: Follower, off: float) -> None:
    strange = a_worker(heartbeat=MOMENT + timedelta(seconds=off))
    follower.was_there(strange, age=1.0)
    assert [seen.seconds for seen in follower.fleet.live()] == [1.0]
    follower.arrives(strange)
    assert [seen.seconds for seen in follower.fleet.live()] == [0.0]


@pytest.mark.parametrize("off", [-2 * DAY, 2 * DAY])
def test_where_our_clock_is_wrong_an_arriving_heartbeat_is_new_all_the_same(
    follower: Follower, off: float
) -> None:
    follower.arrives(a_worker(), timestamp=follower.now + off)
    assert [seen.seconds for seen in follower.fleet.live()] == [0.0]


def test_where_our_clock_is_behind_a_record_is_new_and_not_from_the_future(
    follower: Follower,
) -> None:
    follower.was_there(a_worker(), age=-DAY)
    assert [seen.seconds for seen in follower.fleet.live()] == [0.0]
    follower.passes(SILENCE + 1)
    assert follower.alive == []


def test_our_clock_may_be_set_while_we_follow(follower: Follower) -> None:
    follower.arrives(a_worker())
    follower.now += DAY
    assert [seen.seconds for seen in follower.fleet.live()] == [0.0]
    follower.now -= 2 * DAY
    assert [seen.seconds for seen in follower.fleet.live()] == [0.0]


def test_an_unreadable_record_is_logged_once_and_costs_nobody_else(follower: Follower) -> None:
    follower.arrives(a_worker("a"))
    with capture_logs() as logged:
        for value in (b"\xff", b"{}", encode_json(a_worker("b")).replace(b"ready", b"dancing")):
            follower.apply("b", value, 0.0, arrives=True)
        follower.apply("a", b"not JSON", 0.0, arrives=True)
    assert follower.alive == ["a"]
    assert [entry["event"] for entry in logged] == ["worker_unreadable"] * 2


def test_fields_of_another_version_are_ignored_and_missing_ones_are_unknown(
    follower: Follower,
) -> None:
    fields = msgspec.to_builtins(a_worker("a"))
    newer = fields | {"warmth": 3, "slots": 4}
    follower.apply("a", msgspec.json.encode(newer), 0.0, arrives=True)
    optional = {"engine", "fingerprint", "slots", "busy"}
    least = {k: v for k, v in fields.items() if k not in optional} | {"worker_id": "b"}
    follower.apply("b", msgspec.json.encode(least), 0.0, arrives=True)
    a, b = (seen.worker for seen in follower.fleet.live())
    assert a.slots == 4
    assert {name: getattr(b, name) for name in optional} == dict.fromkeys(optional)


def test_workers_are_sorted_by_kind_and_id(follower: Follower) -> None:
    for kind, worker_id in (("postprocess", "a"), ("gpu-consumer", "c"), ("gpu-consumer", "b")):
        follower.arrives(a_worker(worker_id, kind=kind))
    assert follower.alive == ["b", "c", "a"]


def test_those_silent_for_a_day_are_named_and_no_others(follower: Follower) -> None:
    follower.was_there(a_worker("long-dead"), age=DAY + 1)
    follower.was_there(a_worker("dead"), age=DAY - 1)
    follower.was_there(a_worker("ended"), age=DAY + 1)
    follower.tombstone("ended")
    follower.arrives(a_worker("alive"))
    assert follower.fleet.silent_for(DAY) == ["long-dead"]


def test_groups_whose_workers_differ_are_named_with_how_many_have_which() -> None:
    workers = [
        *(a_worker(fingerprint="one") for _ in range(2)),
        a_worker(fingerprint="other"),
        a_worker(fingerprint=None),
        *(a_worker(group="other.group", fingerprint="third") for _ in range(2)),
    ]
    assert mixed_fingerprints(workers) == {"seedcast.gpu-consumers": {"one": 2, "other": 1}}
