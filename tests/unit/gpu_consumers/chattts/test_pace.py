"""As on a device: several steps between two looks, the next ones begun before the finished are dealt with, the vocoder in a thread."""

from threading import Event

import pytest
import torch

from gpu_consumers.engines.chattts.async_vocoder import AsyncVocoder, SyncVocoder
from gpu_consumers.engines.chattts.engine import ChatTTSEngine, Pace
from gpu_consumers.engines.chattts.model.dimensions import Samples
from gpu_consumers.engines.chattts.weights.assets import Assets
from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak
from tests.unit.gpu_consumers.chattts.scripted import SILENCE, TONE, finished, scripted, spoken
from tests.unit.gpu_consumers.requests import a_request

REQUESTS = mixed(60)
PATIENCE = 30.0  # seconds


def ahead(made: ChatTTSEngine, steps: int = 1) -> ChatTTSEngine:
    assert isinstance(made._vocoding, SyncVocoder)
    made._pace, made._vocoding = (
        Pace(steps, ahead=True),
        AsyncVocoder(made._vocoding._vocoder, torch.device("cpu")),
    )
    return made


@pytest.fixture(scope="module")
def expected(tiny: Assets) -> dict[int, str]:
    return speak(engine(tiny, slots=16), REQUESTS)


@pytest.mark.parametrize("steps", [1, 8])
def test_the_pace_cannot_be_heard(tiny: Assets, expected: dict[int, str], steps: int) -> None:
    assert speak(ahead(engine(tiny, slots=16), steps), REQUESTS) == expected


def test_steps_go_on_while_the_vocoder_works(tiny: Assets) -> None:
    """The vocoder holds the first utterance until the second one has left its slot."""
    released = Event()

    def sound(_number: int, _draw: int) -> Samples:
        assert released.wait(PATIENCE), "the steps waited for the vocoder"
        return TONE

    made, slots = scripted(tiny, sound=sound)
    ahead(made)
    made.admit(0, a_request(text="好。"))
    made.admit(1, a_request(text="您的订单已经发货，预计明天下午三点送达。"))
    assert made.step() == []
    while slots.running.any():
        assert made.step() == [], "which would be before the vocoder was let go"
    assert [speech.ticket for speech, *_ in made._sounding] == [0]
    released.set()
    assert sorted(utterance.ticket for utterance in finished(made)) == [0, 1]


def test_what_the_vocoder_finds_silent_is_drawn_again(tiny: Assets) -> None:
    made, _ = scripted(tiny, sound=lambda _number, draw: SILENCE if draw == 0 else TONE)
    (utterance,) = spoken(ahead(made), a_request(text="好。"))
    assert utterance.waveform is not None
    assert utterance.draw == 1


def test_an_error_of_the_vocoder_is_not_lost(tiny: Assets) -> None:
    def broken(_number: int, _draw: int) -> Samples:
        raise MemoryError("no room")

    made, _ = scripted(tiny, sound=broken)
    ahead(made).admit(0, a_request(text="好。"))
    with pytest.raises(MemoryError, match="no room"):
        list(finished(made))
