"""Turns by weight: what ready members get, and what waking, blocking and new weights change."""

from collections import defaultdict
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from seedcast.producers.feeder.policy.fair_queue import SPARE, FairQueue

NAMES = "abcdef"
ROW = 30.0  # seconds; the largest
CREDIT = 60.0
WEIGHTS = st.sampled_from([0.01, 0.3, 1.0, 2.5, 8.0, 100.0])


def a_queue(**weights: float) -> FairQueue:
    queue = FairQueue(CREDIT)
    for name, weight in weights.items():
        queue.set_weight(name, weight)
        queue.wake(name)
    return queue


def turns(queue: FairQueue, rows: int, seconds: float = 1.0) -> str:
    """Charge the next rows; return whose they were."""
    picked = []
    for _ in range(rows):
        name = queue.pick()
        assert name is not None
        queue.charge(name, seconds)
        picked.append(name)
    return "".join(picked)


def test_members_get_turns_by_weight() -> None:
    picked = turns(a_queue(a=1, b=3), 400)
    assert (picked.count("a"), picked.count("b")) == (100, 300)


def test_equal_members_alternate() -> None:
    assert turns(a_queue(a=1, b=1, c=1), 6) == "abcabc"


def test_seconds_count_not_rows() -> None:
    queue = a_queue(long=1, short=1)
    charged = defaultdict[str, float](float)
    for _ in range(1000):
        name = queue.pick()
        assert name
        seconds = 20.0 if name == "long" else 1.0
        queue.charge(name, seconds)
        charged[name] += seconds
    assert charged["long"] == pytest.approx(charged["short"], abs=20)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["feed"] * 6 + ["wake", "block", "sleep"]),
        st.sampled_from(NAMES[2:]),
        st.floats(0.5, ROW),
    ),
    min_size=30,
    max_size=200,
)


@given(weights=st.lists(WEIGHTS, min_size=6, max_size=6), steps=STEPS)
def test_two_members_that_stay_ready_differ_by_at_most_a_row_of_each(
    weights: list[float], steps: list[tuple[str, str, float]]
) -> None:
    """Whatever the other members do, and over any span: Goyal, Vin and Cheng, theorem 1."""
    of = dict(zip(NAMES, weights, strict=True))
    queue = a_queue(**of)
    history = [dict.fromkeys("ab", 0.0)]
    for what, name, seconds in steps:
        if what == "feed":
            picked = queue.pick()
            assert picked is not None
            queue.charge(picked, seconds)
            if picked in "ab":
                now = dict(history[-1])
                now[picked] += seconds / of[picked]
                history.append(now)
        else:
            getattr(queue, what)(name)
    for earlier, later in combinations(history, 2):
        lead = (later["a"] - earlier["a"]) - (later["b"] - earlier["b"])
        assert abs(lead) <= ROW / of["a"] + ROW / of["b"] + 1e-6


@given(weights=st.lists(WEIGHTS, min_size=6, max_size=6), steps=STEPS)
def test_no_ready_member_waits_for_ever(
    weights: list[float], steps: list[tuple[str, str, float]]
) -> None:
    """Between two turns of "a" the others get their weights' part, a row and their credit."""
    of = dict(zip(NAMES, weights, strict=True))
    queue, others, own = a_queue(**of), 0.0, 0.0
    most = sum(ROW + CREDIT + of[name] / of["a"] * ROW for name in NAMES[1:])
    wakings = 0
    for what, name, seconds in steps:
        if what != "feed":
            wakings += what == "wake"
            getattr(queue, what)(name)
            continue
        picked = queue.pick()
        assert picked is not None
        queue.charge(picked, seconds)
        others, own = (others + seconds, own) if picked != "a" else (0.0, seconds)
        wakings = 0 if picked == "a" else wakings
        assert others <= most + wakings * (ROW + CREDIT), own


def test_what_slept_starts_at_the_present() -> None:
    queue = a_queue(a=1, b=1)
    queue.sleep("b")
    turns(queue, 500)
    queue.wake("b")
    assert turns(queue, 10).count("b") in (5, 6)


def test_a_new_member_starts_at_the_present() -> None:
    queue = a_queue(a=1)
    turns(queue, 500)
    queue.set_weight("b", 1)
    queue.wake("b")
    assert turns(queue, 10).count("b") in (5, 6)


def test_waking_again_and_again_gains_nothing() -> None:
    """Else a campaign of many pauses would get more than one without."""
    queue, fed = a_queue(a=1, b=1), ""
    for _ in range(200):
        fed += turns(queue, 1, 10.0)
        queue.sleep("b")
        queue.wake("b")
    assert fed.count("b") <= 101


def test_what_was_blocked_keeps_its_time_and_catches_up() -> None:
    queue = a_queue(a=1, b=1)
    queue.block("b")
    turns(queue, 20)
    queue.wake("b")
    assert turns(queue, 20).count("b") == pytest.approx(20, abs=1)
    assert turns(queue, 20).count("b") == 10


def test_catching_up_is_bounded_by_the_credit() -> None:
    queue = a_queue(a=1, b=2)
    queue.block("b")
    turns(queue, 10_000)
    queue.wake("b")
    picked = turns(queue, 300)
    assert picked.count("b") == pytest.approx(CREDIT + (300 - CREDIT) * 2 / 3, abs=2)


def test_blocked_then_asleep_has_no_credit() -> None:
    queue = a_queue(a=1, b=1)
    queue.block("b")
    turns(queue, 40)
    queue.sleep("b")
    queue.wake("b")
    assert turns(queue, 10).count("b") in (5, 6)


def test_a_new_weight_counts_from_the_next_pick() -> None:
    """A member of little weight is far ahead after one row; it must not wait that out."""
    queue = a_queue(a=0.01, b=1)
    turns(queue, 200, 10.0)
    queue.set_weight("a", 1)
    assert turns(queue, 20).count("a") == pytest.approx(10, abs=5)


@given(st.lists(WEIGHTS, min_size=1, max_size=60))
def test_changing_weights_to_and_fro_gains_nothing(weights: list[float]) -> None:
    """What a member owes is kept in seconds, whatever its weight becomes."""
    queue = a_queue(a=1, b=1)
    queue.charge("b", ROW)
    for weight in weights:
        queue.set_weight("b", weight)
    queue.set_weight("b", 1)
    assert turns(queue, 29).count("b") == 0


def test_none_is_picked_unless_ready() -> None:
    queue = a_queue(a=1, b=1)
    assert queue.state == "ready"
    queue.block("a")
    queue.sleep("b")
    assert (queue.pick(), queue.state) == (None, "blocked")
    queue.sleep("a")
    assert queue.state == "asleep"


def test_who_leaves_and_returns_still_owes() -> None:
    queue = a_queue(a=1, b=1)
    queue.charge("b", ROW)
    queue.retain(["a"])
    queue.set_weight("b", 1)
    queue.wake("b")
    assert turns(queue, 29) == "a" * 29


def test_who_left_is_forgotten_once_even() -> None:
    queue = a_queue(a=1, b=1)
    queue.charge("b", ROW)
    queue.retain(["a"])
    assert len(queue) == 2
    turns(queue, 40)
    queue.retain(["a"])
    assert len(queue) == 1


@examples(max_examples=20)
@given(st.lists(st.sampled_from(["wake", "block", "sleep"]), min_size=500, max_size=800))
def test_memory_does_not_grow_with_changes(changes: list[str]) -> None:
    queue = a_queue(a=1, b=1, c=0.01)
    queue.charge("c", ROW)  # its entries would not come to the top for long
    for change in changes:
        getattr(queue, change)("c")
        turns(queue, 1, 0.001)
    assert len(queue._heap) <= 2 * len(queue) + SPARE + 1
