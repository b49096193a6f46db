"""The breaker opens after failures in a row, and lets exactly one request try."""

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.errors import BrokerUnavailable
from seedcast.producers.gateway.breaker import FAILURES, OPEN, Breaker
from seedcast.producers.gateway.problems import Problem


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fail(breaker: Breaker, error: Exception) -> None:
    with pytest.raises(type(error)), breaker.passing():
        raise error


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        fail(breaker, BrokerUnavailable("away"))
    return breaker


def refusal(breaker: Breaker) -> Problem:
    with pytest.raises(Problem) as refused, breaker.passing():
        pytest.fail("it passed")
    return refused.value


@pytest.mark.parametrize(
    "error", [BrokerUnavailable("away"), Problem(504, "deadline", "late")], ids=["broker", "late"]
)
def test_failures_in_a_row_open_it(error: Exception) -> None:
    breaker = Breaker(Clock())
    for _ in range(FAILURES - 1):
        fail(breaker, error)
    with breaker.passing():
        pass
    for _ in range(FAILURES):
        fail(breaker, error)
    assert refusal(breaker).status == 503


def test_a_client_that_asks_for_too_much_neither_opens_nor_closes_it() -> None:
    clock = Clock()
    breaker, too_much = opened(clock), Problem(429, "rate_limited", "too much")
    clock.now += OPEN
    fail(breaker, too_much)
    fail(breaker, BrokerUnavailable("away"))
    assert refusal(breaker).status == 503


def test_what_the_client_did_wrong_is_no_failure() -> None:
    breaker = Breaker(Clock())
    for _ in range(3 * FAILURES):
        fail(breaker, Problem(422, "no_speech", "it has no speech"))
    with breaker.passing():
        pass


def test_it_says_when_to_come_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = OPEN - 3
    assert refusal(breaker).headers["retry-after"] == "3"


def test_half_open_lets_exactly_one_pass_and_its_success_closes_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = OPEN
    with breaker.passing():
        for _ in range(5):
            assert refusal(breaker).status == 503
    with breaker.passing(), breaker.passing():
        pass


def test_half_open_waits_again_after_a_failure() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = OPEN
    fail(breaker, BrokerUnavailable("away"))
    assert refusal(breaker).status == 503
    clock.now = 2 * OPEN
    with breaker.passing():
        pass


def test_a_trial_whose_client_went_away_leaves_its_place_to_another() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = OPEN
    with pytest.raises(KeyboardInterrupt), breaker.passing():
        raise KeyboardInterrupt
    with breaker.passing():
        pass


@given(st.lists(st.booleans(), max_size=20))
def test_while_it_is_not_closed_at_most_one_is_inside(trials: list[bool]) -> None:
    clock = Clock()
    breaker = opened(clock)
    for succeeds in trials:
        clock.now += OPEN
        with ExitStack() as inside:
            if not succeeds:
                inside.enter_context(pytest.raises(BrokerUnavailable))
            inside.enter_context(breaker.passing())
            assert refusal(breaker).status == 503
            if not succeeds:
                raise BrokerUnavailable("away")
        if succeeds:
            break
        assert refusal(breaker).status == 503
