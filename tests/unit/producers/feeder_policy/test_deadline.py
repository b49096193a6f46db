"""What a near deadline gains a campaign."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.producers.feeder.policy.deadline import MOST_BOOST, SHORT, boost, slack

FINITE = st.floats(-1e15, 1e15)


@given(deadline=FINITE | st.none(), now=FINITE, backlog=st.floats(0, 1e12), rate=st.floats(0, 1e6))
def test_the_boost_is_bounded_whatever_the_clock_says(
    deadline: float | None, now: float, backlog: float, rate: float
) -> None:
    assert 1 <= boost(deadline, now, backlog, rate) <= MOST_BOOST


def test_slack_is_what_is_left_after_the_predicted_end() -> None:
    assert slack(1000.0, 100.0, backlog=200.0, rate=0.5) == 500.0
    assert slack(1000.0, 100.0, backlog=200.0, rate=0.0) == 900.0


def test_without_slack_the_boost_is_whole() -> None:
    assert boost(1000.0, 0.0, backlog=2000.0, rate=1.0) == MOST_BOOST
    assert boost(1000.0, 0.0, backlog=1000.0, rate=1.0) == MOST_BOOST


def test_with_enough_slack_or_no_deadline_there_is_none() -> None:
    assert boost(SHORT + 1000.0, 0.0, backlog=1000.0, rate=1.0) == 1
    assert boost(None, 0.0, backlog=1e9, rate=1.0) == 1


def test_after_the_deadline_there_is_none() -> None:
    """Its requests end as expired; nothing is gained by feeding them first."""
    assert boost(1000.0, 1000.0, backlog=10.0, rate=1.0) == 1


@given(st.floats(0, 2 * SHORT), st.floats(0, 2 * SHORT))
def test_less_slack_never_means_less_boost(one: float, other: float) -> None:
    less, more = sorted([one, other])
    assert boost(less + 10, 0, 10, 1) >= boost(more + 10, 0, 10, 1)


def test_between_the_bounds_it_changes_gradually() -> None:
    steps = [boost(10 + seconds, 0, 10, 1) for seconds in range(int(SHORT))]
    assert max(a / b for a, b in pairwise(steps)) < 1.01
    assert steps[int(SHORT / 2)] == pytest.approx(MOST_BOOST**0.5)
