"""What comes out is judged: drawn again, split, or given up, each a function of the request alone, counted, and told by the draw."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import REGISTRY

from gpu_consumers.engines import Utterance
from gpu_consumers.engines.chattts.model.dimensions import Samples
from gpu_consumers.engines.chattts.model.slots import Stage
from gpu_consumers.engines.chattts.quality import DRAWS
from gpu_consumers.engines.chattts.speech import _FANOUT
from gpu_consumers.engines.chattts.weights.assets import Assets
from schemas.messages import Style
from tests.unit.gpu_consumers.chattts.scripted import (
    NOISE,
    SILENCE,
    TONE,
    finished,
    never,
    scripted,
    spoken,
)
from tests.unit.gpu_consumers.requests import a_request

WORD = a_request(text="好")  # cannot be split
PHRASE = a_request(text="您好，再见。")  # can be, once
TWO = a_request(text="您的快递已经到达小区门口。\n好")  # a long segment and a short one
ALIKE = a_request(text="您好。\n再见。")  # two that end in the same step
REFINED = a_request(text="您好，再见。", style=Style(refine=True))
LONG = a_request(
    text="您的快递已经到达小区门口的快递柜，请您尽快来取。" * 8, speed=0.5
)  # 41 s at speed 1
WHOLE = len(TONE)
BAD = {"silent": SILENCE, "broken": NOISE}


def count(reason: str) -> float:
    return REGISTRY.get_sample_value("seedcast_engine_redraws_total", {"reason": reason}) or 0.0


@contextmanager
def counted(**expected: int) -> Iterator[None]:
    """Inside it redraws are counted just so often, by reason."""
    reasons = ("silent", "broken", "endless", "split", "refinement")
    before = {reason: count(reason) for reason in reasons}
    yield
    assert {reason: count(reason) - before[reason] for reason in reasons} == dict.fromkeys(
        reasons, 0
    ) | expected


def until(draw: int, bad: Samples) -> Callable[[int, int], Samples]:
    """Bad before that draw."""
    return lambda _number, drawn: bad if drawn < draw else TONE


def is_unstable(utterance: Utterance) -> bool:
    return (
        utterance.waveform is None
        and utterance.error is not None
        and utterance.error.code == "unstable"
        and utterance.draw == DRAWS - 1
    )


@pytest.mark.parametrize("reason", BAD)
@pytest.mark.parametrize("draw", range(DRAWS))
def test_what_has_no_sound_is_drawn_again_and_the_draw_is_told(
    tiny: Assets, reason: str, draw: int
) -> None:
    made, noted = scripted(tiny, sound=until(draw, BAD[reason]))
    with counted(**{reason: draw}):
        (utterance,) = spoken(made, WORD)
    assert utterance.waveform is not None
    assert (len(utterance.waveform), utterance.draw, utterance.error) == (WHOLE, draw, None)
    assert [entering.draw for entering in noted.entered] == list(range(draw + 1))


@pytest.mark.parametrize("reason", BAD)
def test_what_never_has_a_sound_is_unstable_and_harms_nobody(tiny: Assets, reason: str) -> None:
    made, _ = scripted(tiny, sound=lambda number, _: BAD[reason] if number else TONE)
    with counted(**{reason: DRAWS - 1}):
        failed, other = spoken(made, TWO, WORD)
    assert is_unstable(failed)
    assert other.waveform is not None
    assert other.draw == 0


def test_the_highest_draw_of_a_requests_pieces_is_told(tiny: Assets) -> None:
    made, _ = scripted(tiny, sound=lambda number, draw: SILENCE if draw < 2 * number else TONE)
    (utterance,) = spoken(made, TWO)
    assert utterance.draw == 2


def test_what_does_not_end_is_split_and_its_parts_begin_anew(tiny: Assets) -> None:
    made, noted = scripted(tiny, speech=lambda number, _: number >= _FANOUT)
    with counted(split=1):
        (utterance,) = spoken(made, PHRASE)
    assert utterance.waveform is not None
    assert (
        len(utterance.waveform) == 2 * WHOLE + 0.25 * made.sample_rate
    )  # the clause's pause between them
    assert utterance.draw == 0
    assert [(entering.segment, entering.draw) for entering in noted.entered] == [
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


def test_what_does_not_end_in_parts_either_is_unstable(tiny: Assets) -> None:
    made, noted = scripted(tiny, speech=never, slots=1)
    (utterance,) = spoken(made, PHRASE)
    assert is_unstable(utterance)
    assert {entering.segment for entering in noted.entered} == {0, _FANOUT, 2 * _FANOUT}
    assert max(entering.draw for entering in noted.entered) == DRAWS - 1


def test_two_pieces_that_fail_in_one_step_make_one_result(tiny: Assets) -> None:
    made, _ = scripted(tiny, sound=until(DRAWS, SILENCE))
    (utterance,) = spoken(made, ALIKE)
    assert is_unstable(utterance)


def test_why_a_request_is_unstable_does_not_depend_on_which_piece_fails_first(tiny: Assets) -> None:
    """In one slot the long silent segment is drawn first, in two the short broken one ends first."""
    failed = [
        spoken(
            scripted(tiny, sound=lambda number, _: NOISE if number else SILENCE, slots=slots)[0],
            TWO,
        )[0]
        for slots in (1, 2)
    ]
    assert all(map(is_unstable, failed))
    assert failed[0] == failed[1]


def test_a_refinement_is_what_is_spoken(tiny: Assets) -> None:
    made, noted = scripted(tiny, word="好")
    with counted():
        (utterance,) = spoken(made, REFINED)
    assert utterance.waveform is not None
    assert [entering.stage for entering in noted.entered] == [Stage.TEXT, Stage.CODE]
    assert noted.entered[-1].prompt == made._prompter.speech("好", 1.0)


@pytest.mark.parametrize(
    ("ends", "word"),
    [(never, "好"), (lambda _number, _draw: True, "[break_3]")],
    ids=["endless", "empty"],
)
def test_a_refinement_that_fails_falls_back_to_the_text_as_it_was(
    tiny: Assets, ends: Callable[[int, int], bool], word: str
) -> None:
    made, noted = scripted(tiny, text=ends, word=word)
    with counted(refinement=DRAWS - 1):
        (utterance,) = spoken(made, REFINED)
    assert utterance.waveform is not None
    assert utterance.draw == 0
    assert [entering.draw for entering in noted.entered] == [*range(DRAWS), 0]
    assert noted.entered[-1].prompt == made._prompter.speech("您好，再见。", 1.0)


def test_an_urgent_request_takes_the_next_free_slot(tiny: Assets) -> None:
    made, _ = scripted(tiny, slots=1)
    made.admit(0, PHRASE)
    assert made.step() == []
    made.admit(1, PHRASE)
    made.admit(2, a_request(text="您好，再见。", priority="urgent"))
    assert [utterance.ticket for utterance in finished(made)] == [0, 2, 1]


def test_so_does_its_redraw(tiny: Assets) -> None:
    made, noted = scripted(tiny, slots=1, sound=until(1, SILENCE))
    made.admit(0, a_request(text="好", priority="urgent", voice_seed=7))
    made.admit(1, WORD)
    assert [utterance.ticket for utterance in finished(made)] == [0, 1]
    assert [entering.seed for entering in noted.entered[:2]] == [7, 7]


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("context", [512, 1024])
def test_who_speaks_nearly_twice_as_long_as_expected_still_ends_at_the_first_draw(
    tiny: Assets, context: int, speed: float
) -> None:
    made, noted = scripted(tiny, pace=1.9, context=context, slots=16)
    with counted():
        (utterance,) = spoken(made, a_request(text=LONG.text, speed=speed))
    assert utterance.waveform is not None
    assert all(entering.segment < _FANOUT for entering in noted.entered)


def test_a_text_that_is_too_long_at_its_speed_comes_out_of_the_next_step(tiny: Assets) -> None:
    made, _ = scripted(tiny)
    slow, fast = spoken(
        made, a_request(text="好" * 1_200, speed=0.5), a_request(text="好" * 1_200, speed=1.5)
    )
    assert slow.error is not None
    assert slow.error.code == "text_too_long"
    assert fast.waveform is not None
