"""The pace of a device: several steps per check, overlapped, with the vocoder in a thread."""

from concurrent.futures import Future
from itertools import count
from threading import Event

import pytest
import torch
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.async_vocoder import AsyncVocoder, SyncVocoder
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine, Pace
from seedcast.gpu_consumers.engines.chattts.load import PACE
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Samples
from seedcast.gpu_consumers.engines.chattts.model.slots import Slots
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from tests.builders.requests import a_request
from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak
from tests.unit.gpu_consumers.chattts.scripted import SILENCE, TONE, finished, scripted, spoken

REQUESTS = mixed(24)
TIMEOUT = 30.0  # seconds


def overlapped(made: ChatTTSEngine, steps: int = 1) -> ChatTTSEngine:
    """Give an engine the pace and the vocoder thread that it has on a device."""
    assert isinstance(made._vocoder, SyncVocoder)
    made._pace = Pace(steps, behind=1)
    made._vocoder = AsyncVocoder(made._vocoder._vocoder, torch.device("cpu"))
    return made


@pytest.fixture(scope="module")
def expected(tiny: Assets) -> dict[int, str]:
    return speak(engine(tiny, slots=16), REQUESTS)


@pytest.mark.parametrize("steps", [pytest.param(1, marks=pytest.mark.slow), 8])
def test_the_pace_cannot_be_heard(tiny: Assets, expected: dict[int, str], steps: int) -> None:
    assert speak(overlapped(engine(tiny, slots=16), steps), REQUESTS) == expected


def test_steps_go_on_while_the_vocoder_works(tiny: Assets) -> None:
    """The vocoder keeps the first utterance until the second one has left its slot."""
    released = Event()

    def sound(_number: int, _draw: int) -> Samples:
        assert released.wait(TIMEOUT), "the steps waited for the vocoder"
        return TONE

    made, slots = scripted(tiny, sound=sound)
    overlapped(made)
    made.admit(0, a_request(text="好。"))
    made.admit(1, a_request(text="您的订单已经发货，预计明天下午三点送达。"))
    assert made.step() == []
    while slots.running.any():
        assert made.step() == [], "an utterance came out before the vocoder was released"
    assert [speech.ticket for speech, *_ in made._vocoding] == [0]
    released.set()
    assert sorted(utterance.ticket for utterance in finished(made)) == [0, 1]


def test_audio_that_the_thread_returns_silent_is_drawn_again(tiny: Assets) -> None:
    made, _ = scripted(tiny, sound=lambda _number, draw: SILENCE if draw == 0 else TONE)
    (utterance,) = spoken(overlapped(made), a_request(text="好。"))
    assert utterance.waveform is not None
    assert utterance.draw == 1


def test_an_error_in_the_vocoder_thread_is_raised_by_step(tiny: Assets) -> None:
    def broken(_number: int, _draw: int) -> Samples:
        raise MemoryError("out of memory")

    made, _ = scripted(tiny, sound=broken)
    overlapped(made).admit(0, a_request(text="好。"))
    with pytest.raises(MemoryError, match="out of memory"):
        list(finished(made))


class BusyVocoder:
    """Returns an utterance's samples one call of `step` later, as a thread beside it would."""

    def __init__(self) -> None:
        self._earlier, self._new = list[Future[Samples]](), list[Future[Samples]]()

    def submit(self, hidden: Tensor) -> "Future[Samples]":
        self._new.append(Future())
        return self._new[-1]

    def tick(self) -> None:
        for future in self._earlier:
            future.set_result(TONE)
        self._earlier, self._new = self._new, []

    def close(self) -> None:
        pass


class Occupancy:
    """A Stepper that counts the rows that a step computes for nothing."""

    def __init__(self, made: ChatTTSEngine) -> None:
        self.idle, self._step = 0, made._model.step
        made._model = self

    def step(self, slots: Slots, refining: bool) -> None:
        self.idle += len(slots) - int(slots.running.sum())
        self._step(slots, refining)


def idle_steps(assets: Assets, *, spare: bool) -> float:
    """Return for how many steps a slot is idle on the average, once its utterance has ended."""
    made, slots = scripted(assets, slots=32)
    vocoder, occupancy, tickets, unfinished = BusyVocoder(), Occupancy(made), count(), 0
    made._pace, made._vocoder = PACE["cuda"], vocoder
    while len(slots.entered) < 10 * made.slots:
        for ticket in tickets:
            if unfinished == (made.capacity if spare else made.slots):
                break
            made.admit(ticket, a_request(text="您的订单已经发货，预计明天到。"[ticket % 6 :]))
            unfinished += 1
        unfinished -= len(made.step())
        vocoder.tick()
    return occupancy.idle / (len(slots.entered) - made.slots)


def test_a_slot_is_soon_filled_again(tiny: Assets) -> None:
    """A device takes four steps between two looks, and hears of a look's answer a look later."""
    assert idle_steps(tiny, spare=True) < 6


def test_without_a_request_at_hand_a_slot_would_be_idle_for_longer(tiny: Assets) -> None:
    """Mutant: an engine that takes no more requests than it has slots."""
    assert idle_steps(tiny, spare=False) > 8
