"""The active feeder's gauges: they follow the lists, and end with its term."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from msgspec.structs import replace

from seedcast import metrics
from seedcast.errors import Poison
from seedcast.health import Readiness
from seedcast.kafka import Partition
from seedcast.producers.feeder.feeding import Feeding
from seedcast.producers.feeder.figures import LEAST_SLACK, Figures, shown_figures
from seedcast.producers.feeder.fleet_slots import Capacity
from seedcast.producers.feeder.lists import Lists
from seedcast.producers.feeder.outcomes import Outcomes
from seedcast.producers.feeder.policy.slot_pace import SETTLED
from seedcast.producers.feeder.term import Term
from seedcast.worker import STORE
from tests.unit.producers.feeder.world import (
    PARTITIONS,
    SETTINGS,
    FollowedCampaigns,
    FollowedCursors,
    MemoryFleet,
    World,
    feed_all,
)

GAUGES = (
    metrics.WORKERS_WANTED,
    metrics.BACKLOG_AUDIO,
    metrics.FEED_DEPTH_ROWS,
    metrics.FEED_DEPTH_AUDIO,
    metrics.LISTS_UNFED,
    metrics.LISTS_HELD,
)


@pytest.fixture(autouse=True)
def a_term() -> Iterator[None]:
    with shown_figures():
        yield


class Shown:
    """A feeder's figures over a world's campaigns, with no row fed."""

    def __init__(self, world: World) -> None:
        self.world, self.lists = (
            world,
            Lists(SETTINGS, world.store, PARTITIONS, FollowedCursors(world.broker)),
        )
        self.outcomes, self.fleet = Outcomes(SETTINGS, 30.0), MemoryFleet()
        self.figures = Figures(SETTINGS, self.lists, self.outcomes, cast("Any", self.fleet))

    def show(self) -> None:
        records = self.world.campaigns.records
        self.lists.update(records, records, self.world.now)
        for feed in self.lists.feedable.values():
            feed.open(self.world.now)
        self.figures.show(self.world.now)

    def measure(self, per_worker: float, rows: int = 8) -> None:
        """Let a worker of eight slots finish that many seconds of audio per second."""
        self.fleet.capacity = Capacity(workers=1, slots=8, busy=8)
        for _ in range(rows):
            self.outcomes.depth.fed(str(_), Partition("requests", 0), 2.0)
        for _ in range(int(SETTLED) + 1):
            self.figures.finished(per_worker, self.world.now)
            self.world.now += 1
            self.figures.show(self.world.now)


def change(world: World, name: str, **changes: Any) -> None:
    world.campaigns.put(replace(world.campaigns.records[name], **changes))


def instant(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)


def test_an_idle_feeder_wants_no_worker(world: World) -> None:
    Shown(world).show()
    assert [metrics.value(gauge) for gauge in GAUGES] == [0] * len(GAUGES)
    assert math.isnan(metrics.value(metrics.DEADLINE_SLACK))


def test_rows_that_wait_want_one_worker_until_a_rate_is_known(world: World) -> None:
    world.submit("night", 6)
    shown = Shown(world)
    shown.show()
    assert metrics.value(metrics.WORKERS_WANTED) == 1
    assert metrics.value(metrics.BACKLOG_AUDIO) == 6.0
    assert metrics.value(metrics.LISTS_UNFED) == 6


def test_rows_without_a_result_are_backlog_and_depth(world: World) -> None:
    shown = Shown(world)
    shown.outcomes.depth.fed("a", Partition("requests", 0), 2.5)
    shown.show()
    assert metrics.value(metrics.FEED_DEPTH_ROWS) == 1
    assert metrics.value(metrics.FEED_DEPTH_AUDIO) == 2.5
    assert metrics.value(metrics.BACKLOG_AUDIO) == 2.5
    assert metrics.value(metrics.WORKERS_WANTED) == 1


def test_a_deadline_wants_as_many_as_its_rows_take(world: World) -> None:
    world.submit("night", 60)
    shown = Shown(world)
    shown.measure(per_worker=0.02)  # of 60 s of audio by the deadline
    change(world, "night", deadline=instant(world.now + 1000))
    shown.show()
    assert metrics.value(metrics.WORKERS_WANTED) == 3
    assert metrics.value(metrics.DEADLINE_SLACK) == 1000


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "paused"},
        {"start_at": datetime(2100, 1, 1, tzinfo=UTC)},
        {"window": "03:00-04:00", "zone": "UTC"},
    ],
)
def test_rows_that_may_not_be_fed_now_want_no_worker(
    world: World, changes: dict[str, object]
) -> None:
    world.submit("night", 6)
    change(world, "night", **changes)
    Shown(world).show()
    assert metrics.value(metrics.WORKERS_WANTED) == 0


def test_what_ends_unspoken_wants_no_more_than_one_worker(world: World) -> None:
    world.submit("late", 6000, deadline=None)
    world.submit("cancelled", 6000)
    shown = Shown(world)
    shown.measure(per_worker=0.01)
    change(world, "late", deadline=instant(world.now - 1))
    change(world, "cancelled", state="cancelled")
    shown.show()
    assert metrics.value(metrics.WORKERS_WANTED) == 1


def test_the_slack_is_that_of_the_list_that_has_least(world: World) -> None:
    for name, seconds in (("night", 500), ("day", 300), ("gone", -50)):
        world.submit(name, 6)
        change(world, name, deadline=instant(world.now + seconds))
    change(world, "gone", state="cancelled")
    Shown(world).show()
    assert metrics.value(metrics.DEADLINE_SLACK) == 300


def test_the_slack_of_a_list_that_hardly_moves_is_bounded(world: World) -> None:
    world.submit("night", 6)
    change(world, "night", deadline=instant(world.now + 9000))
    shown = Shown(world)
    shown.show()
    shown.lists.feedable["night"].throughput.add(1.0, world.now)
    world.now += 290
    shown.show()
    assert metrics.value(metrics.DEADLINE_SLACK) == LEAST_SLACK


def test_a_list_that_may_not_be_fed_now_has_the_time_to_its_deadline(world: World) -> None:
    world.submit("night", 6)
    change(world, "night", deadline=instant(world.now + 9000), window="03:00-04:00", zone="UTC")
    shown = Shown(world)
    shown.show()
    shown.lists.feedable["night"].throughput.add(1.0, world.now)
    world.now += 290
    shown.show()
    assert metrics.value(metrics.DEADLINE_SLACK) == 8710


def test_no_figure_outlives_its_term(world: World) -> None:
    world.submit("night", 6)
    change(world, "night", deadline=instant(world.now + 500))
    with shown_figures():
        shown = Shown(world)
        shown.outcomes.depth.fed("a", Partition("requests", 0), 2.5)
        shown.show()
        metrics.LISTS_HELD.set(1)
        assert all(metrics.value(gauge) for gauge in GAUGES)
    assert [metrics.value(gauge) for gauge in GAUGES] == [0] * len(GAUGES)
    assert math.isnan(metrics.value(metrics.DEADLINE_SLACK))


def test_a_list_that_is_held_wants_no_worker(world: World) -> None:
    world.submit("night", 6)
    shown = Shown(world)
    shown.show()
    shown.lists.feedable["night"].row_refused("request-00000", Poison("producing", got="too large"))
    shown.show()
    assert metrics.value(metrics.WORKERS_WANTED) == 0
    assert metrics.value(metrics.LISTS_HELD) == 1


def test_slots_that_events_take_do_not_make_lists_seem_slow(world: World) -> None:
    world.submit("night", 60)
    shown = Shown(world)
    shown.measure(per_worker=0.02, rows=2)  # four times that, if all eight slots had such rows
    change(world, "night", deadline=instant(world.now + 1000))
    shown.show()
    assert metrics.value(metrics.WORKERS_WANTED) == 1


def test_a_limited_rate_wants_no_more_than_it_takes(world: World) -> None:
    world.submit("night", 60)
    shown = Shown(world)
    shown.measure(per_worker=0.02)
    change(world, "night", deadline=instant(world.now + 1000), rate=0.03)
    shown.show()
    assert metrics.value(metrics.WORKERS_WANTED) == 2


class ToldOutcomes(Outcomes):
    audio: float | None = None  # seconds of the one result that each look finds

    def poll(self) -> Iterator[tuple[str, float]]:
        if self.audio:
            yield "night", self.audio


def test_a_feeding_feeder_shows_them_and_learns_from_results(world: World) -> None:
    world.submit("night", 600)
    change(world, "night", deadline=instant(world.now + 6000))
    campaigns, cursors = FollowedCampaigns(world.campaigns), FollowedCursors(world.broker)
    term, fleet = Term(1, cast("Any", campaigns), cast("Any", cursors)), MemoryFleet()
    fleet.capacity = Capacity(workers=1, slots=8, busy=8)
    outcomes = ToldOutcomes(SETTINGS, 30.0)
    feeding = Feeding(
        SETTINGS,
        cast("Any", world.broker),
        Lists(SETTINGS, world.store, PARTITIONS, cursors),
        outcomes,
        cast("Any", fleet),
        term,
        Readiness(STORE),
        clock=lambda: world.now,
        now=lambda: world.now,
    )
    feed_all(feeding)
    assert metrics.value(metrics.WORKERS_WANTED) == 1
    outcomes.audio = 0.05
    for _ in range(int(SETTLED) + 2):
        world.now += 1
        feeding.wait(0.0)
        feeding.checkpoint()
    assert metrics.value(metrics.FEED_DEPTH_ROWS) > 8
    assert 1 < metrics.value(metrics.WORKERS_WANTED) < fleet.most_workers
