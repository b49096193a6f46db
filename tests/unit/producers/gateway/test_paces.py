"""How fast campaigns end requests lately, and what that says of their ends."""

from dataclasses import replace

import pytest

from seedcast.producers.gateway.paces import LEAST, WINDOW, Paces
from seedcast.producers.gateway.page.prediction import Rest, seconds_left
from tests.builders.page_index import a_campaign


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def paces(clock: Clock) -> Paces:
    return Paces(clock)


def note(paces: Paces, ended: int, **fields: str) -> None:
    paces.note(a_campaign("night", accepted=10_000, counts=(ended, 0, 0, 0), **fields))


def test_the_rate_is_that_of_the_last_minute(paces: Paces, clock: Clock) -> None:
    for second in range(200):  # slow at first, then ten times as fast
        note(paces, second if second < 100 else 100 + 10 * (second - 100))
        clock.now += 1.0
    assert paces.rate("night") == pytest.approx(10.0, rel=0.02)


def test_what_has_just_begun_has_none(paces: Paces, clock: Clock) -> None:
    assert paces.rate("night") is None
    note(paces, 0)
    clock.now += LEAST - 1
    note(paces, 50)
    assert paces.rate("night") is None
    clock.now += 1
    note(paces, 60)
    assert paces.rate("night") == 60 / LEAST


def test_one_that_stands_still_or_is_paused_has_none(paces: Paces, clock: Clock) -> None:
    note(paces, 0)
    clock.now += LEAST
    note(paces, 30)
    clock.now += LEAST
    assert paces.rate("night") == 1.0, "it falls while nothing comes"
    clock.now += WINDOW
    assert paces.rate("night") is None
    note(paces, 31)
    assert paces.rate("night") is None, "it begins anew"
    clock.now += LEAST
    note(paces, 61)
    assert paces.rate("night") == 30 / LEAST
    note(paces, 62, state="paused")
    assert paces.rate("night") is None


def test_another_list_of_the_same_name_begins_anew(paces: Paces, clock: Clock) -> None:
    note(paces, 5000)
    clock.now += LEAST
    note(paces, 0)
    clock.now += LEAST
    note(paces, 15)
    assert paces.rate("night") == 1.0


def rest(name: str, waiting: int, rate: float, *, is_bounded: bool = False) -> Rest:
    return Rest(name=name, waiting=waiting, rate=rate, is_bounded=is_bounded)


def test_what_one_leaves_when_it_ends_is_for_the_others() -> None:
    small, large = rest("small", 100, 10.0), rest("large", 1000, 10.0)
    assert seconds_left([large, small]) == {"small": 10.0, "large": 55.0}  # not 100
    bounded = replace(large, is_bounded=True)
    assert seconds_left([bounded, small]) == {"small": 10.0, "large": 100.0}
    assert seconds_left([]) == {}
