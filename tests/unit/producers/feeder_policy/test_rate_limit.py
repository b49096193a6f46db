"""Requests per second, by clocks that jump."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.errors import InvalidInput
from seedcast.producers.feeder.policy.rate_limit import (
    LEAST,
    MOST,
    RateLimit,
    parse_rate,
)

NOW = 1.8e9  # seconds since 1970
RATES = st.one_of(st.floats(LEAST, 1.0), st.floats(1.0, 1000.0))
JUMPS = st.one_of(
    st.floats(0, 10), st.floats(-1e9, 1e9), st.sampled_from([0.0, -3600.0, 86400.0, 1e15])
)


def all_allowed(limit: RateLimit, now: float, most: int = 100_000) -> int:
    """Take what is allowed now; return how many that is."""
    for taken in range(most):
        if not limit.allows(now):
            return taken
        limit.take(now)
    raise AssertionError("allows without end")


@given(rate=RATES, steps=st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_no_more_than_the_rate_and_a_burst(rate: float, steps: list[float]) -> None:
    limit, now, taken = RateLimit(rate, NOW), NOW, 0
    for step in steps:
        now += step
        taken += all_allowed(limit, now)
    assert taken <= rate * (now - NOW) + limit.burst + 1e-3


@given(rate=st.floats(0.5, 200), tick=st.floats(0.01, 0.5))
def test_whoever_looks_often_gets_the_whole_rate(rate: float, tick: float) -> None:
    limit, taken, ticks = RateLimit(rate, NOW), 0, round(100 / tick)
    for number in range(1, ticks + 1):
        taken += all_allowed(limit, NOW + number * tick)
    assert taken == pytest.approx(rate * ticks * tick, rel=0.01, abs=2)


@given(rate=RATES, jumps=st.lists(JUMPS, min_size=1, max_size=20))
def test_a_jump_gives_at_most_one_burst_and_costs_at_most_one_wait(
    rate: float, jumps: list[float]
) -> None:
    limit, now = RateLimit(rate, NOW), NOW
    for jump in jumps:
        now += jump
        assert all_allowed(limit, now) <= limit.burst + 1
        waited = limit.next_change(now) - now
        assert 0 <= waited <= 1 / rate + abs(now) * 1e-9
        assert limit.allows(now + 1 / rate + abs(now) * 1e-9)


def test_a_clock_set_back_a_day_does_not_stall() -> None:
    limit = RateLimit(1.0, NOW)
    limit.take(NOW)
    assert not limit.allows(NOW - 86_400)
    assert limit.allows(NOW - 86_399)


def test_a_clock_set_forward_a_day_gives_no_day_of_requests() -> None:
    limit = RateLimit(10.0, NOW)
    limit.take(NOW)
    assert all_allowed(limit, NOW + 86_400) == 11


def test_less_than_one_a_minute_works() -> None:
    limit = RateLimit(parse_rate("1/h"), NOW)
    assert all_allowed(limit, NOW) == 1
    assert all_allowed(limit, NOW + 3599) == 0
    assert limit.next_change(NOW + 3599) == pytest.approx(NOW + 3600, abs=1e-3)
    assert all_allowed(limit, NOW + 3600) == 1


@given(st.floats(LEAST, 1000), st.floats(0, 1000))
def test_at_the_next_change_a_request_is_allowed(rate: float, later: float) -> None:
    limit = RateLimit(rate, NOW)
    all_allowed(limit, NOW + later)
    assert limit.allows(limit.next_change(NOW + later))


def test_a_new_limit_begins_with_one_request() -> None:
    """Feeders that follow each other quickly must not each begin with a burst."""
    assert all_allowed(RateLimit(500.0, NOW), NOW) == 1


def test_a_new_rate_counts_at_once() -> None:
    limit = RateLimit(LEAST, NOW)
    limit.take(NOW)
    limit.set_rate(100.0, NOW)
    assert all_allowed(limit, NOW + 1) == 100
    limit.set_rate(1.0, NOW + 2)
    assert all_allowed(limit, NOW + 2) == 2


def test_more_than_allowed_makes_the_next_wait() -> None:
    limit = RateLimit(1.0, NOW)
    limit.take(NOW, requests=5)
    assert not limit.allows(NOW + 4.9)
    assert limit.allows(NOW + 5)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("200/s", 200.0), ("0.5/s", 0.5), ("30/min", 0.5), ("5/h", 5 / 3600), ("1/d", LEAST)],
)
def test_a_rate_is_read(text: str, rate: float) -> None:
    assert parse_rate(text) == pytest.approx(rate)


@pytest.mark.parametrize(
    "text",
    ["", "200", "0/s", "-1/s", "1/week", "nan/s", "inf/s", "1e9/s", "0.1/d", "1 /s", "2000000/s"],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="rate; expected requests per s, min, h or d"):
        parse_rate(text)


def test_the_highest_rate_is_taken() -> None:
    assert parse_rate(f"{MOST:.0f}/s") == MOST
