"""The quality checks: bounds on the length of speech, and faults of its samples."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.gpu_consumers.engines.chattts.model.dimensions import Samples
from seedcast.gpu_consumers.engines.chattts.quality import (
    DENSEST_TOKEN,
    MARGIN,
    PROMPT_OVERHEAD,
    SILENCE,
    TOKENS_PER_SECOND,
    Fault,
    bounds,
    check,
    longest_text,
)

SECOND, FRAME = 24_000, 1_200


def tone(count: int, level: float) -> Samples:
    """A sine whose root mean square is `level`."""
    return (level * np.sqrt(2) * np.sin(np.arange(count) * np.pi / 60)).astype(np.float32)


@given(st.floats(0.05, 10), st.floats(0.5, 2), st.integers(192, 4_000))
def test_the_expected_duration_is_within_the_bounds(
    seconds: float, speed: float, available: int
) -> None:
    result = bounds(seconds, speed, available)
    assert 4 <= result.floor < result.limit <= available
    expected = seconds / speed * TOKENS_PER_SECOND
    assert result.floor <= max(4, expected)
    assert result.limit >= min(available, 2 * expected)


@given(st.floats(0.05, 10), st.floats(0.5, 2))
def test_a_faster_speaker_has_tighter_bounds(seconds: float, speed: float) -> None:
    slow, fast = bounds(seconds, speed / 2, 4_000), bounds(seconds, speed, 4_000)
    assert fast.limit <= slow.limit
    assert fast.floor <= slow.floor


@given(st.floats(0.5, 2), st.integers(512, 4_096))
def test_a_slot_holds_twice_the_expected_speech_of_its_longest_text(
    speed: float, context: int
) -> None:
    seconds = longest_text(speed, context)
    available = context - PROMPT_OVERHEAD - math.ceil(seconds / DENSEST_TOKEN)
    assert available - 1 <= MARGIN * seconds / speed * TOKENS_PER_SECOND <= available + 1
    assert bounds(seconds, speed, available).limit == available


def test_at_speed_1_the_default_context_holds_ten_seconds_of_text() -> None:
    assert 10 < longest_text(1.0, 1024) < 10.5
    assert longest_text(0.5, 1024) < longest_text(0.6, 1024) < longest_text(0.6, 2048)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_is_a_fault_at_any_position(value: float) -> None:
    for index in (0, SECOND // 2, SECOND + 599):  # the last one is behind the last whole frame
        samples = tone(SECOND + 600, 0.1)
        samples[index] = value
        assert check(samples) is Fault.BROKEN


@pytest.mark.parametrize("count", [1, 256, FRAME, SECOND])
def test_silence_is_a_fault(count: int) -> None:
    assert check(np.zeros(count, np.float32)) is Fault.SILENT
    assert check(tone(count, SILENCE / 2)) is Fault.SILENT


def test_one_loud_frame_is_enough() -> None:
    samples = np.zeros(SECOND, np.float32)
    samples[3 * FRAME : 4 * FRAME] = tone(FRAME, SILENCE * 1.1)
    assert check(samples) is None
    assert check(tone(256, 0.1)) is None  # shorter than a frame
    assert check(tone(FRAME, SILENCE * 0.9)) is Fault.SILENT
