"""What one busy slot finishes, whatever the others do."""

import pytest

from seedcast.producers.feeder.policy.slot_pace import MEMORY, SETTLED, SlotPace


def work(pace: SlotPace, start: float, seconds: int, busy: int, per_slot: float) -> float:
    """Let slots work; return when they end."""
    for second in range(seconds):
        pace.add(busy * per_slot, start + second)
        pace.look(busy, start + second + 1)
    return start + seconds


def test_nothing_is_told_before_it_is_settled() -> None:
    pace = SlotPace()
    now = work(pace, 0.0, int(SETTLED) - 1, 4, 0.5)
    assert pace.per_slot is None
    work(pace, now, 1, 4, 0.5)
    assert pace.per_slot == pytest.approx(0.5, rel=0.02)


def test_a_fleet_that_waits_for_rows_does_not_seem_slow() -> None:
    pace = SlotPace()
    now = work(pace, 0.0, 100, 8, 0.5)
    before = pace.per_slot
    for _ in range(1000):  # some days
        now += MEMORY
        pace.look(0, now)
    assert pace.per_slot == before
    work(pace, now, 300, 1, 0.5)
    assert pace.per_slot == pytest.approx(0.5, rel=0.02)


def test_the_time_in_which_slots_fill_for_the_first_time_does_not_count() -> None:
    pace = SlotPace()
    for second in range(100):
        pace.look(8, float(second))
    work(pace, 100.0, 40, 8, 0.5)
    assert pace.per_slot == pytest.approx(0.5, rel=0.02)


def test_it_follows_a_change() -> None:
    pace = SlotPace()
    now = work(pace, 0.0, 1000, 8, 0.5)
    work(pace, now, int(3 * MEMORY), 8, 2.0)
    assert pace.per_slot == pytest.approx(2.0, rel=0.05)


def test_a_clock_that_jumps_does_no_harm() -> None:
    pace = SlotPace()
    now = work(pace, 0.0, 100, 8, 0.5)
    pace.look(8, now - 5000)
    pace.look(8, now + 1e9)
    work(pace, now + 1e9, int(4 * MEMORY), 8, 0.5)
    assert pace.per_slot == pytest.approx(0.5, rel=0.05)
