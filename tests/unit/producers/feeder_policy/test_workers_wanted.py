"""How many GPU consumers lists want."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.producers.feeder.policy.workers_wanted import (
    LATE,
    SOON,
    Demand,
    workers_wanted,
)

HOUR = 3600.0
GOAL = 8 * HOUR
FINITE = st.floats(-1e12, 1e12)
DEMANDS = st.lists(
    st.builds(
        Demand,
        seconds=st.floats(0, 1e9),
        since=FINITE,
        deadline=FINITE | st.none(),
        most_per_second=st.floats(1e-5, 1e6) | st.just(math.inf),
    ),
    max_size=5,
)


def wanted(
    *demands: Demand, outstanding: int = 0, per_worker: float | None = 10.0, now: float = 0.0
) -> int:
    return workers_wanted(demands, outstanding, per_worker, now=now, goal=GOAL, most=48)


@given(
    demands=DEMANDS,
    outstanding=st.integers(0, 100),
    per_worker=st.floats(1e-6, 1e6) | st.none(),
    now=FINITE,
)
def test_it_is_bounded_and_zero_only_when_idle(
    demands: list[Demand], outstanding: int, per_worker: float | None, now: float
) -> None:
    found = wanted(*demands, outstanding=outstanding, per_worker=per_worker, now=now)
    assert found <= 48
    assert (found > 0) == bool(demands or outstanding)


def test_before_a_rate_is_measured_one_worker_tells() -> None:
    huge = Demand(seconds=1e9, since=0.0)
    assert wanted(huge, per_worker=None) == 1
    assert wanted(huge) == 48


def test_a_deadline_wants_what_ends_the_list_by_then() -> None:
    night = Demand(seconds=50 * HOUR, since=0.0, deadline=HOUR)
    assert wanted(night) == 5
    assert wanted(Demand(seconds=50 * HOUR, since=0.0, deadline=5 * HOUR)) == 1


def test_lists_that_are_due_at_once_want_the_sum() -> None:
    night = Demand(seconds=50 * HOUR, since=0.0, deadline=HOUR)
    assert wanted(night, night) == 10


def test_without_a_deadline_the_goal_holds_from_when_it_might_be_fed() -> None:
    """From the present on, half the list would be left at the goal, however many work."""
    assert wanted(Demand(seconds=10 * 10 * GOAL, since=0.0)) == 10
    half_time = Demand(seconds=5 * 10 * GOAL, since=0.0)
    assert wanted(half_time, now=GOAL / 2) == 10


def test_what_is_late_wants_a_bounded_haste() -> None:
    assert wanted(Demand(seconds=10 * SOON * 3, since=0.0, deadline=1.0)) == 3
    late = Demand(seconds=10 * GOAL * LATE * 3, since=0.0)
    assert wanted(late, now=5 * GOAL) == 3


def test_a_campaign_that_is_limited_to_a_rate_wants_no_more_than_its_rate_takes() -> None:
    limited = Demand(seconds=1e9, since=0.0, deadline=HOUR, most_per_second=25.0)
    assert wanted(limited) == 3


@pytest.mark.parametrize(("seconds", "workers"), [(3.0, 3), (3.04, 3), (3.06, 4)])
def test_a_trifle_starts_no_worker(seconds: float, workers: int) -> None:
    assert wanted(Demand(seconds=seconds * 10 * HOUR, since=0.0, deadline=HOUR)) == workers
