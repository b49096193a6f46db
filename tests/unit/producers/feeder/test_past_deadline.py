"""What is past its deadline costs nothing: a worker ends it at once, and nobody speaks it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from seedcast.producers.feeder.feeding import Feeding
from seedcast.producers.feeder.policy import release
from seedcast.producers.feeder.policy.cost import UNSPOKEN
from seedcast.producers.feeder.row import measure_of
from tests.builders.requests import numbered
from tests.builders.staged import stage
from tests.unit.producers.feeder.world import World, feed_all

AHEAD = 2.0  # seconds
ROWS = 400  # of four voices, so that some wait for room while there is no worker


def instant(now: float, seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(now + seconds, UTC)


def fed(
    world: World, deadlines: list[float | None], spread: int, record: float | None = None
) -> Feeding:
    """Feed rows with these deadlines, in seconds from now, as far as there is room."""
    rows = [numbered(n, deadline=instant(world.now, each)) for n, each in enumerate(deadlines)]
    campaign = stage(world.store, "night", rows, spread=spread)
    world.campaigns.put(replace(campaign, deadline=instant(world.now, record)))
    feeding = world.begin(AHEAD)
    feed_all(feeding)
    return feeding


@examples(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([None, -60.0, -1.0, 60.0]), min_size=1, max_size=60))
def test_each_row_costs_by_its_own_deadline(deadlines: list[float | None]) -> None:
    outcomes = fed(World(), deadlines, spread=0)._outcomes
    cost = sum(
        UNSPOKEN if each and each < 0 else outcomes.costs.predict(measure_of(numbered(n)))
        for n, each in enumerate(deadlines)
    )
    assert outcomes.depth.seconds == pytest.approx(cost)


@pytest.mark.parametrize(
    ("record", "rows", "is_backlog"),
    [
        (None, None, True),
        (60.0, 60.0, True),
        (-60.0, -60.0, False),
        (-60.0, 60.0, True),  # `campaigns set` cannot shorten it for the rows
        (60.0, -60.0, False),  # nor make it longer
    ],
)
def test_rows_that_wait_are_backlog_until_their_own_deadline(
    world: World, record: float | None, rows: float | None, is_backlog: bool
) -> None:
    feed = fed(world, [rows] * ROWS, 1, record)._lists.feedable["night"]
    assert feed.left > 0
    assert (feed.backlog(world.now) > 0) == is_backlog


@pytest.mark.parametrize(("record", "is_backlog"), [(60.0, True), (-60.0, False), (None, True)])
def test_before_a_row_is_read_the_campaigns_deadline_tells(
    world: World, record: float | None, is_backlog: bool
) -> None:
    campaign = stage(world.store, "night", [numbered(0)])
    world.campaigns.put(replace(campaign, deadline=instant(world.now, record)))
    feed = world.begin(AHEAD)._lists.feedable["night"]
    assert (feed.backlog(world.now) > 0) == is_backlog


def test_among_rows_of_several_deadlines_the_last_tells(world: World) -> None:
    feeding = fed(world, [60.0, -60.0] * (ROWS // 2), 1)
    feed = feeding._lists.feedable["night"]
    assert feed.backlog(world.now) > 0
    world.now += 61
    assert feed.backlog(world.now) == 0


def test_rows_of_a_later_deadline_are_backlog_once_the_first_of_them_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "WINDOW", 50)
    feeding = fed(world, [-60.0] * ROWS + [3600.0] * ROWS, 1)
    feed = feeding._lists.feedable["night"]
    assert feed.place.read < ROWS
    assert feed.backlog(world.now) == 0
    while feed.place.read <= ROWS:
        world.answer()
        world.now += 1
        assert feeding.turn()
    assert feed.backlog(world.now) > 0
