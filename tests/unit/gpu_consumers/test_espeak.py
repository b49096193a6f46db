"""The espeak engine: same request, same bytes, after any other utterance and in any process."""

import hashlib
import random
import subprocess
import sys

import numpy as np
import pytest

from seedcast.gpu_consumers.engines.espeak import SAMPLE_RATE, EspeakEngine, Voice, speak, voice_of
from seedcast.schemas.messages import SpeechRequest
from tests.builders.requests import a_request

TEXTS = [
    "Hello Anna, your order 4411 leaves at 17:30.",
    "您好，您的订单已经发货，预计明天下午送达。",
    "您的 iPhone 15 已发货。",
]


def digest(text: str, voice: Voice) -> str:
    return hashlib.sha256(speak(text, voice).tobytes()).hexdigest()


def test_bytes_do_not_depend_on_what_was_spoken_before() -> None:
    # Twelve seeds cover every variant: flutter, echo and breath are among them.
    jobs = [(text, voice_of(seed)) for text in TEXTS for seed in range(12)]
    first = {job: digest(*job) for job in jobs}
    random.Random(1).shuffle(jobs)
    assert {job: digest(*job) for job in jobs} == first


def test_bytes_are_the_same_in_another_process() -> None:
    code = (
        "import hashlib; from seedcast.gpu_consumers.engines.espeak import speak, voice_of; "
        f"print(hashlib.sha256(speak({TEXTS[1]!r}, voice_of(2222)).tobytes()).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert other == digest(TEXTS[1], voice_of(2222))


@pytest.mark.parametrize("text", TEXTS)
def test_speech_is_audible_and_of_a_plausible_length(text: str) -> None:
    waveform = speak(text, voice_of(7))
    assert 1.0 < len(waveform) / SAMPLE_RATE < 10.0
    assert np.abs(waveform).max() > 3000


def test_seeds_are_many_voices_and_speed_is_a_ratio() -> None:
    assert len({voice_of(seed) for seed in range(200)}) > 190
    slow, fast = (len(speak(TEXTS[0], voice_of(1, speed))) for speed in (0.5, 2.0))
    assert slow / fast > 2


def test_markup_in_a_text_is_spoken_and_not_obeyed() -> None:
    plain = len(speak("one two", voice_of(1)))
    assert len(speak("<break time='9s'/> [[h@'loU]] one two", voice_of(1))) > plain
    with_break = len(speak("<speak>one<break time='9s'/>two</speak>", voice_of(1)))
    assert with_break < plain + 9 * SAMPLE_RATE


def error_code(request: SpeechRequest) -> str | None:
    """The code that a request ends with after one step; None if it is spoken."""
    engine = EspeakEngine(slots=1)
    engine.admit(1, request)
    (utterance,) = engine.step()
    return utterance.error.code if utterance.error else None


def test_speech_longer_than_five_minutes_is_refused() -> None:
    assert error_code(a_request(text="word " * 1900, speed=0.5)) == "text_too_long"


def test_one_step_finishes_an_utterance_and_an_idle_step_returns_nothing() -> None:
    assert error_code(a_request()) is None
    assert EspeakEngine(slots=1).step() == []
