"""A request's chunks: unique numbers, splits in order, and audio joined with its pauses."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seedcast.gpu_consumers.engines.chattts.speech import MAX_DEPTH, Speech
from seedcast.gpu_consumers.text import Segment
from tests.builders.requests import a_request


def speech_of(*pauses: float) -> Speech:
    segments = [Segment(f"part {number}", 1.0, pause) for number, pause in enumerate(pauses)]
    return Speech.of(7, a_request(), segments, unspoken=0)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=300))
def test_no_two_chunks_of_a_request_ever_share_a_number(splits: list[int]) -> None:
    speech = speech_of(*[0.1] * len(splits))
    originals = list(speech.chunks)
    assert [chunk.number for chunk in originals] == list(range(len(splits)))
    for chunk, count in zip(originals, splits, strict=True):
        if count:
            speech.replace(chunk, chunk.split([Segment("finer", 0.5, 0.0)] * count))
    used = [*originals, *(chunk for chunk in speech.chunks if chunk.depth)]
    numbers = [chunk.number for chunk in used]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**32 for number in numbers)


def test_parts_take_the_position_of_their_chunk_and_start_at_the_first_draw() -> None:
    speech = speech_of(0.1, 0.2, 0.3)
    middle = speech.chunks[1]
    middle.draw, middle.refined = 2, "as it was refined"
    speech.replace(middle, middle.split([Segment("one", 0.5, 0.0), Segment("two", 0.5, 0.2)]))
    assert [chunk.text for chunk in speech.chunks] == ["part 0", "one", "two", "part 2"]
    assert [chunk.depth for chunk in speech.chunks] == [0, MAX_DEPTH, MAX_DEPTH, 0]
    assert all(chunk.draw == 0 and chunk.refined is None for chunk in speech.chunks)


def test_a_refined_chunk_speaks_its_refined_text() -> None:
    chunk = speech_of(0.0).chunks[0]
    chunk.refined = "refined"
    assert chunk.text == "refined"


def test_chunks_are_joined_in_order_with_their_pauses() -> None:
    speech = speech_of(0.25, 0.0, 0.1)
    for chunk in reversed(speech.chunks):
        assert not speech.complete
        chunk.samples = np.full(100 + chunk.number, chunk.number + 1, np.float32)
    assert speech.complete
    zeros = [np.zeros(6_000), np.zeros(0), np.zeros(2_400)]
    expected = np.concatenate(
        [part for number in range(3) for part in (np.full(100 + number, number + 1), zeros[number])]
    )
    assert np.array_equal(speech.join(), expected)
    assert speech.join().dtype == np.float32
