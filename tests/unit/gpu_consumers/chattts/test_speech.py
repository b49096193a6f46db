"""A request's pieces: numbers that no two share, splitting in place, and the sound joined with its pauses."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpu_consumers.engines.chattts.speech import MAX_LEVEL, Speech
from gpu_consumers.text import Segment
from tests.unit.gpu_consumers.requests import a_request


def speech_of(*pauses: float) -> Speech:
    return Speech.of(
        7,
        a_request(),
        [Segment(f"part {number}", 1.0, pause) for number, pause in enumerate(pauses)],
        unspoken=0,
    )


@given(st.lists(st.integers(0, 20), min_size=1, max_size=300))
def test_no_two_pieces_of_a_request_ever_share_a_number(splits: list[int]) -> None:
    speech = speech_of(*[0.1] * len(splits))
    originals = list(speech.pieces)
    assert [piece.number for piece in originals] == list(range(len(splits)))
    for piece, count in zip(originals, splits, strict=True):
        if count:
            speech.replace(piece, piece.parts([Segment("finer", 0.5, 0.0)] * count))
    used = [*originals, *(piece for piece in speech.pieces if piece.level)]
    numbers = [piece.number for piece in used]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**32 for number in numbers)


def test_parts_stand_where_their_piece_stood_and_begin_anew() -> None:
    speech = speech_of(0.1, 0.2, 0.3)
    middle = speech.pieces[1]
    middle.draw, middle.refined = 2, "as it was refined"
    speech.replace(middle, middle.parts([Segment("one", 0.5, 0.0), Segment("two", 0.5, 0.2)]))
    assert [piece.text for piece in speech.pieces] == ["part 0", "one", "two", "part 2"]
    assert [piece.level for piece in speech.pieces] == [0, MAX_LEVEL, MAX_LEVEL, 0]
    assert all(piece.draw == 0 and piece.refined is None for piece in speech.pieces)


def test_a_piece_is_spoken_as_it_was_refined() -> None:
    piece = speech_of(0.0).pieces[0]
    piece.refined = "refined"
    assert piece.text == "refined"


def test_pieces_are_joined_in_order_with_their_pauses() -> None:
    speech = speech_of(0.25, 0.0, 0.1)
    for piece in reversed(speech.pieces):
        assert not speech.complete
        piece.samples = np.full(100 + piece.number, piece.number + 1, np.float32)
    assert speech.complete
    zeros = [np.zeros(6_000), np.zeros(0), np.zeros(2_400)]
    expected = np.concatenate(
        [part for number in range(3) for part in (np.full(100 + number, number + 1), zeros[number])]
    )
    assert np.array_equal(speech.joined(), expected)
    assert speech.joined().dtype == np.float32
