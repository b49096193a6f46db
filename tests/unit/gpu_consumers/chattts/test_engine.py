"""Redraws, splits and failures: each is a function of the request alone, counted and reported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import REGISTRY

from seedcast.gpu_consumers.engines import Utterance
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Samples
from seedcast.gpu_consumers.engines.chattts.model.slots import Stage
from seedcast.gpu_consumers.engines.chattts.quality import DRAWS
from seedcast.gpu_consumers.engines.chattts.speech import _FANOUT
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.schemas.messages import Style
from tests.builders.requests import a_request
from tests.unit.gpu_consumers.chattts.scripted import (
    NOISE,
    SILENCE,
    TONE,
    always,
    finished,
    never,
    scripted,
    spoken,
)

WORD = a_request(text="好")  # cannot be split
PHRASE = a_request(text="您好，再见。")  # can be split once
TWO = a_request(text="您的快递已经到达小区门口。\n好")  # a long segment and a short one
ALIKE = a_request(text="您好。\n再见。")  # two segments that end in the same step
REFINED = a_request(text="您好，再见。", style=Style(refine=True))
LONG_TEXT = "您的快递已经到达小区门口的快递柜，请您尽快来取。" * 8  # 41 s at speed 1
WHOLE = len(TONE)
FAULTY = {"silent": SILENCE, "broken": NOISE}


def redraws(reason: str) -> float:
    return REGISTRY.get_sample_value("seedcast_engine_redraws_total", {"reason": reason}) or 0.0


@contextmanager
def counted(**expected: int) -> Iterator[None]:
    """Assert that the block counts exactly these redraws, by reason; 0 of every other reason."""
    reasons = ("silent", "broken", "endless", "split", "refinement")
    before = {reason: redraws(reason) for reason in reasons}
    yield
    counts = {reason: redraws(reason) - before[reason] for reason in reasons}
    assert counts == dict.fromkeys(reasons, 0) | expected


def until(draw: int, faulty: Samples) -> Callable[[int, int], Samples]:
    """A sound that is faulty before that draw."""
    return lambda _number, drawn: faulty if drawn < draw else TONE


def is_unstable(utterance: Utterance) -> bool:
    return (
        utterance.waveform is None
        and utterance.error is not None
        and utterance.error.code == "unstable"
        and utterance.draw == DRAWS - 1
    )


@pytest.mark.parametrize("reason", FAULTY)
@pytest.mark.parametrize("draw", range(DRAWS))
def test_faulty_audio_is_drawn_again_and_the_utterance_names_the_draw(
    tiny: Assets, reason: str, draw: int
) -> None:
    made, slots = scripted(tiny, sound=until(draw, FAULTY[reason]))
    with counted(**{reason: draw}):
        (utterance,) = spoken(made, WORD)
    assert utterance.waveform is not None
    assert (len(utterance.waveform), utterance.draw, utterance.error) == (WHOLE, draw, None)
    assert [generation.draw for generation in slots.entered] == list(range(draw + 1))


@pytest.mark.parametrize("reason", FAULTY)
def test_a_request_whose_every_draw_is_faulty_is_unstable_and_affects_no_other(
    tiny: Assets, reason: str
) -> None:
    made, _ = scripted(tiny, sound=lambda number, _: FAULTY[reason] if number else TONE)
    with counted(**{reason: DRAWS - 1}):
        failed, other = spoken(made, TWO, WORD)
    assert is_unstable(failed)
    assert other.waveform is not None
    assert other.draw == 0


def test_an_utterance_names_the_highest_draw_of_its_chunks(tiny: Assets) -> None:
    made, _ = scripted(tiny, sound=lambda number, draw: SILENCE if draw < 2 * number else TONE)
    (utterance,) = spoken(made, TWO)
    assert utterance.draw == 2


def test_an_endless_chunk_is_split_and_its_parts_start_at_the_first_draw(tiny: Assets) -> None:
    made, slots = scripted(tiny, speech=lambda number, _: number >= _FANOUT)
    with counted(split=1):
        (utterance,) = spoken(made, PHRASE)
    assert utterance.waveform is not None
    pause = 0.25 * made.sample_rate  # after a clause
    assert len(utterance.waveform) == 2 * WHOLE + pause
    assert utterance.draw == 0
    assert [(generation.segment, generation.draw) for generation in slots.entered] == [
        (0, 0),
        (_FANOUT, 0),
        (2 * _FANOUT, 0),
    ]


def test_a_single_word_that_does_not_end_is_drawn_again(tiny: Assets) -> None:
    made, _ = scripted(tiny, speech=lambda _, draw: draw == 1)
    with counted(endless=1):
        (utterance,) = spoken(made, WORD)
    assert utterance.waveform is not None
    assert utterance.draw == 1


def test_a_request_whose_parts_do_not_end_either_is_unstable(tiny: Assets) -> None:
    made, slots = scripted(tiny, speech=never, slots=1)
    (utterance,) = spoken(made, PHRASE)
    assert is_unstable(utterance)
    assert {generation.segment for generation in slots.entered} == {0, _FANOUT, 2 * _FANOUT}
    assert max(generation.draw for generation in slots.entered) == DRAWS - 1


def test_two_chunks_that_fail_in_one_step_make_one_utterance(tiny: Assets) -> None:
    made, _ = scripted(tiny, sound=until(DRAWS, SILENCE))
    (utterance,) = spoken(made, ALIKE)
    assert is_unstable(utterance)


def test_the_error_does_not_depend_on_which_chunk_fails_first(tiny: Assets) -> None:
    """With one slot the long silent chunk is first, with two the short broken one ends first."""
    failed = []
    for slots in (1, 2):
        made, _ = scripted(tiny, sound=lambda number, _: NOISE if number else SILENCE, slots=slots)
        failed += spoken(made, TWO)
    assert all(map(is_unstable, failed))
    assert failed[0] == failed[1]


def test_the_refined_text_is_what_is_spoken(tiny: Assets) -> None:
    made, slots = scripted(tiny, word="好")
    with counted():
        (utterance,) = spoken(made, REFINED)
    assert utterance.waveform is not None
    assert [generation.stage for generation in slots.entered] == [Stage.TEXT, Stage.CODE]
    assert slots.entered[-1].prompt == made._prompter.speech("好", 1.0)


@pytest.mark.parametrize(
    ("ends", "word"), [(never, "好"), (always, "[break_3]")], ids=["endless", "empty"]
)
def test_a_refinement_that_fails_falls_back_to_the_original_text(
    tiny: Assets, ends: Callable[[int, int], bool], word: str
) -> None:
    made, slots = scripted(tiny, text=ends, word=word)
    with counted(refinement=DRAWS - 1):
        (utterance,) = spoken(made, REFINED)
    assert utterance.waveform is not None
    assert utterance.draw == 0
    assert [generation.draw for generation in slots.entered] == [*range(DRAWS), 0]
    assert slots.entered[-1].prompt == made._prompter.speech("您好，再见。", 1.0)


def test_an_urgent_request_takes_the_next_free_slot(tiny: Assets) -> None:
    made, _ = scripted(tiny, slots=1)
    made.admit(0, PHRASE)
    assert made.step() == []
    made.admit(1, PHRASE)
    made.admit(2, a_request(text="您好，再见。", priority="urgent"))
    assert [utterance.ticket for utterance in finished(made)] == [0, 2, 1]


def test_the_redraw_of_an_urgent_request_takes_the_next_free_slot_too(tiny: Assets) -> None:
    made, slots = scripted(tiny, slots=1, sound=until(1, SILENCE))
    made.admit(0, a_request(text="好", priority="urgent", voice_seed=7))
    made.admit(1, WORD)
    assert [utterance.ticket for utterance in finished(made)] == [0, 1]
    assert [generation.seed for generation in slots.entered[:2]] == [7, 7]


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("context", [512, 1024])
def test_speech_of_nearly_twice_the_expected_length_ends_at_the_first_draw(
    tiny: Assets, context: int, speed: float
) -> None:
    made, slots = scripted(tiny, pace=1.9, context=context, slots=16)
    with counted():
        (utterance,) = spoken(made, a_request(text=LONG_TEXT, speed=speed))
    assert utterance.waveform is not None
    assert all(generation.segment < _FANOUT for generation in slots.entered)


def test_a_text_that_is_too_long_at_its_speed_fails_in_the_next_step(tiny: Assets) -> None:
    made, _ = scripted(tiny)
    text = "好" * 1_200
    slow, fast = spoken(made, a_request(text=text, speed=0.5), a_request(text=text, speed=1.5))
    assert slow.error is not None
    assert slow.error.code == "text_too_long"
    assert fast.waveform is not None
