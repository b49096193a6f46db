"""The espeak engine: same request, same bytes, after any other utterance and in any process."""

import _ctypes
import ctypes
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import espeakng_loader
import numpy as np
import psutil
import pytest

from seedcast.catalog.lexicon import Lexicon
from seedcast.catalog.lexicon_entry import Entry
from seedcast.errors import EngineFailed
from seedcast.gpu_consumers import engines
from seedcast.gpu_consumers.engines import Utterance
from seedcast.gpu_consumers.engines.espeak import process, speaker
from seedcast.gpu_consumers.engines.espeak.engine import EspeakEngine
from seedcast.gpu_consumers.engines.espeak.process import SAMPLE_RATE
from seedcast.gpu_consumers.engines.espeak.ssml import Speech
from seedcast.gpu_consumers.engines.espeak.voices import Voice, voice_of
from seedcast.gpu_consumers.text.reader import Reader
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.topics import MIB
from seedcast.settings import KafkaSettings, Settings
from seedcast.waveforms import Waveform
from tests.builders.requests import a_request

TEXTS = [
    "Hello Anna, your order 4411 leaves at 17:30.",
    "您好，您的订单已经发货，预计明天下午送达。",
    "您的 iPhone 15 已发货。",
]


# Each makes espeak-ng load dictionaries of other languages, or none at all.
MIXED = [
    "ok",
    "您 ok",
    "。",
    "Привет, Anna",
    "用 WiFi",
    "ñandú 日本",
    "3.14 $5.20 50% a@b.com",
]


READER = Reader()


def speak(text: str, voice: Voice) -> Waveform:
    return speaker.speak(speaker.speech_of(READER.read(text)), voice)


def digest(text: str, voice: Voice) -> str:
    return hashlib.sha256(speak(text, voice).tobytes()).hexdigest()


def test_bytes_do_not_depend_on_what_was_spoken_before() -> None:
    # Sixteen seeds have every speaker: flutter, echo and breath are among them.
    jobs = [(text, voice_of(seed)) for text in TEXTS for seed in range(16)]
    first = {job: digest(*job) for job in jobs}
    random.Random(1).shuffle(jobs)
    assert {job: digest(*job) for job in jobs} == first


@contextmanager
def a_new_library() -> Iterator[ctypes.CDLL]:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 1)
    try:
        yield library
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)


def of_a_new_library(text: str, voice: Voice) -> bytes:
    """The samples of a library that was loaded for this utterance and has spoken nothing else."""
    job = speaker._job(speaker.speech_of(READER.read(text)), voice)
    answer = io.BytesIO()
    with a_new_library() as library:
        process._answer(library, json.loads(json.dumps(job)), answer)
    return answer.getvalue()[process.LENGTH.size :]


@pytest.mark.parametrize("order", [1, 2])
def test_bytes_are_those_of_a_library_that_was_just_loaded(order: int) -> None:
    """Long and urgent short ones, both languages and all variants, in any order."""
    jobs = [(text, voice_of(seed, 1.5)) for text in TEXTS + MIXED for seed in range(16)]
    random.Random(order).shuffle(jobs)
    for text, voice in jobs[:40]:
        assert speak(text, voice).tobytes() == of_a_new_library(text, voice)


def resident() -> int:
    """Bytes in memory of this process and the one that speaks; its forks may be about to end."""
    return sum(each.memory_info().rss for each in [psutil.Process(), speaking_process()])


def speaking_process() -> psutil.Process:
    """The process beside this one; other tests may have started others."""
    children = psutil.Process().children()
    (found,) = [child for child in children if process.__file__ in child.cmdline()]
    return found


@pytest.mark.parametrize("rounds", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_utterances(rounds: int) -> None:
    """Of each 48 texts, 12 load a second language's dictionary."""
    jobs = [
        (text, voice_of(seed, 2.0)) for text in ("。", "ok", "ok", "您 a") for seed in range(12)
    ]
    for job in jobs:
        speak(*job)
    before = resident()
    for job in jobs * rounds:
        speak(*job)
    assert resident() - before < 2 << 20


def test_a_process_that_was_killed_is_an_error_once_and_is_started_again() -> None:
    speak("one", voice_of(1))
    os.kill(speaking_process().pid, signal.SIGKILL)
    with pytest.raises(EngineFailed, match=r"the process of espeak-ng ended; got exit status -9"):
        speak("one", voice_of(1))
    assert len(speak("one", voice_of(1))) > 0


def test_an_answer_cut_short_is_not_given_to_the_next_job(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = digest("one", voice_of(1)), digest("two", voice_of(1))

    class Interrupted:
        size = process.LENGTH.size

        def unpack(self, _: bytes) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(speaker, "LENGTH", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        speak("one", voice_of(1))
    monkeypatch.undo()
    assert first != digest("two", voice_of(1)) == second


def test_a_language_that_is_missing_is_named() -> None:
    with pytest.raises(EngineFailed, match=r"espeak-ng has no voice tlh\+m3"):
        speaker.speak(Speech("tlh", "one"), Voice("m3", 50, 50, 160))


def test_bytes_are_the_same_in_another_process() -> None:
    code = (
        "import hashlib; from seedcast.gpu_consumers.engines.espeak.engine import spoken; "
        f"print(hashlib.sha256(spoken({TEXTS[1]!r}, 2222).tobytes()).hexdigest())"
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


def test_speed_is_a_ratio() -> None:
    slow, fast = (len(speak(TEXTS[0], voice_of(1, speed))) for speed in (0.5, 2.0))
    assert slow / fast > 2


def spoken_by_an_engine(request: SpeechRequest) -> Utterance:
    engine = EspeakEngine(slots=1)
    engine.admit(1, request)
    (utterance,) = engine.step()
    return utterance


def error_code(request: SpeechRequest) -> str | None:
    """The code that a request ends with after one step; None if it is spoken."""
    error = spoken_by_an_engine(request).error
    return error.code if error else None


def seconds_of(request: SpeechRequest) -> float:
    waveform = spoken_by_an_engine(request).waveform
    assert waveform is not None
    return len(waveform) / SAMPLE_RATE


def test_speech_longer_than_five_minutes_is_refused() -> None:
    assert error_code(a_request(text="word " * 1900, speed=0.5)) == "text_too_long"


def test_markup_is_obeyed_where_it_is_asked_for() -> None:
    told = a_request(text='One<break time="5s"/>two', text_format="markup")
    plain = a_request(text='One<break time="5s"/>two')
    assert 5.5 < seconds_of(told) < 6.5
    assert seconds_of(plain) < 5


def test_wrong_markup_is_an_error_and_is_not_spoken() -> None:
    assert error_code(a_request(text="<b>one</b>", text_format="markup")) == "invalid_request"


def test_the_locale_of_a_request_reads_its_dates() -> None:
    british, american = (
        spoken_by_an_engine(a_request(text="Due on 12/05/2026.", locale=locale)).waveform
        for locale in ("en-GB", "en-US")
    )
    assert british is not None
    assert not np.array_equal(british, american)


def test_the_fingerprint_covers_the_reader() -> None:
    one, other = (EspeakEngine(1, Reader(locale=locale)) for locale in ("en-GB", "en-US"))
    assert one.fingerprint != other.fingerprint


def test_characters_without_a_sound_are_counted() -> None:
    assert spoken_by_an_engine(a_request(text="Anna, привет")).unspoken == 6
    silent = spoken_by_an_engine(a_request(text="привет"))
    assert silent.error
    assert (silent.error.code, silent.unspoken) == ("nothing_to_speak", 6)


def test_synthesis_ends_soon_after_the_longest_speech_that_fits_a_record() -> None:
    speech, voice = Speech("en-us", "word " * 1900), voice_of(7)
    assert len(speaker.speak(speech, voice)) > 60 * SAMPLE_RATE
    assert 20 * SAMPLE_RATE < len(speaker.speak(speech, voice, longest=20)) < 22 * SAMPLE_RATE
    engine = engines.load(Settings(kafka=KafkaSettings(max_record_bytes=MIB)))
    for ticket, text in enumerate(("word " * 20, "word " * 100)):
        engine.admit(ticket, a_request(text=text))
    short, long = [utterance for _ in range(2) for utterance in engine.step()]
    assert short.waveform is not None
    assert long.error is not None
    assert "at most 22 s of speech" in long.error.message


def test_one_step_finishes_an_utterance_and_an_idle_step_returns_nothing() -> None:
    assert error_code(a_request()) is None
    assert EspeakEngine(slots=1).step() == []


def test_locale_and_lexicon_are_heard_and_the_deployments_are_in_the_fingerprint() -> None:
    def spoken(engine: EspeakEngine, text: str, **fields: object) -> Waveform:
        engine.admit(0, a_request(text=text, **fields))
        [utterance] = engine.step()
        assert utterance.waveform is not None
        return utterance.waveform

    usual = EspeakEngine(1)
    lexicon = Lexicon([Entry(word="W3C", reading="the web")])
    other = EspeakEngine(1, Reader(lexicon, "en-GB"))
    text = "Due 12/05/2026."
    american, british = (spoken(usual, text, locale=each) for each in ("en-US", "en-GB"))
    assert not np.array_equal(american, british)
    assert np.array_equal(spoken(other, text), british)
    assert np.array_equal(spoken(other, "W3C"), spoken(usual, "the web"))
    assert other.fingerprint != usual.fingerprint
