"""What is taken for speech: bounds on its length, and faults of its sound."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_consumers.engines.chattts.model.dimensions import Samples
from gpu_consumers.engines.chattts.quality import (
    AROUND,
    DENSEST,
    MARGIN,
    SILENCE,
    TOKENS_PER_SECOND,
    Fault,
    bounds,
    fault,
    room,
)

SECOND, FRAME = 24_000, 1_200


def tone(count: int, level: float) -> Samples:
    """Of a root mean square of `level`."""
    return (level * np.sqrt(2) * np.sin(np.arange(count) * np.pi / 60)).astype(np.float32)


@given(st.floats(0.05, 10), st.floats(0.5, 2), st.integers(192, 4_000))
def test_the_expected_duration_lies_within_the_bounds(
    seconds: float, speed: float, room: int
) -> None:
    found = bounds(seconds, speed, room)
    assert 4 <= found.floor < found.limit <= room
    expected = seconds / speed * TOKENS_PER_SECOND
    assert found.floor <= max(4, expected)
    assert found.limit >= min(room, 2 * expected)


@given(st.floats(0.05, 10), st.floats(0.5, 2))
def test_a_faster_speaker_has_tighter_bounds(seconds: float, speed: float) -> None:
    slow, fast = bounds(seconds, speed / 2, 4_000), bounds(seconds, speed, 4_000)
    assert fast.limit <= slow.limit
    assert fast.floor <= slow.floor


@given(st.floats(0.5, 2), st.integers(512, 4_096))
def test_the_longest_text_of_a_slot_has_room_for_twice_what_is_expected(
    speed: float, context: int
) -> None:
    seconds = room(speed, context)
    free = context - AROUND - math.ceil(seconds / DENSEST)
    assert free - 1 <= MARGIN * seconds / speed * TOKENS_PER_SECOND <= free + 1
    assert bounds(seconds, speed, free).limit == free


def test_at_speed_1_the_default_context_has_room_for_ten_seconds() -> None:
    assert 10 < room(1.0, 1024) < 10.5
    assert room(0.5, 1024) < room(0.6, 1024) < room(0.6, 2048)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_is_a_fault_wherever_it_is(value: float) -> None:
    for place in (0, SECOND // 2, SECOND + 599):  # the last one is behind the last whole frame
        samples = tone(SECOND + 600, 0.1)
        samples[place] = value
        assert fault(samples) is Fault.BROKEN


@pytest.mark.parametrize("count", [1, 256, FRAME, SECOND])
def test_silence_is_a_fault(count: int) -> None:
    assert fault(np.zeros(count, np.float32)) is Fault.SILENT
    assert fault(tone(count, SILENCE / 2)) is Fault.SILENT


def test_one_loud_moment_is_enough() -> None:
    samples = np.zeros(SECOND, np.float32)
    samples[3 * FRAME : 4 * FRAME] = tone(FRAME, SILENCE * 1.1)
    assert fault(samples) is None
    assert fault(tone(256, 0.1)) is None  # shorter than a frame
    assert fault(tone(FRAME, SILENCE * 0.9)) is Fault.SILENT
