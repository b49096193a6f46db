"""The echo engine: no speech, but everything else that an engine owes the pipeline."""

import math
import random

import numpy as np
import pytest

from seedcast.catalog import profiles
from seedcast.gpu_consumers import engines
from seedcast.gpu_consumers.engines.echo import SAMPLE_RATE, EchoEngine, echo
from seedcast.gpu_consumers.verify import voice_lock
from seedcast.schemas.messages import MAX_TEXT
from seedcast.settings import GpuSettings, PostprocessSettings, Settings
from seedcast.storage.memory_store import MemoryStore
from seedcast.stream_apps.audio.chain import render
from seedcast.stream_apps.audio.noise import CLEAN
from seedcast.stream_apps.audio.source import Source
from seedcast.waveforms import Waveform, waveform_sha256
from tests.builders.requests import a_request, numbered

PROFILES = profiles.load(PostprocessSettings())
ECHO = Settings(gpu=GpuSettings(engine="echo"))


def digest(**changes: object) -> str:
    return waveform_sha256(echo(a_request(**changes)))


def test_a_request_has_the_same_bytes_on_every_machine_and_in_every_version() -> None:
    """If this digest changes, raise REVISION: another fingerprint is another engine."""
    assert digest() == "9ca9d6f7c51dfbc55348a47c325bce5f002efd45ce20fff6dcff87461884119a"


def test_bytes_do_not_depend_on_the_company_and_the_order() -> None:
    requests = [numbered(number) for number in range(40)]
    alone = {request.request_id: waveform_sha256(echo(request)) for request in requests}
    random.Random(1).shuffle(requests)
    engine = EchoEngine(slots=64)
    for ticket, request in enumerate(requests):
        engine.admit(ticket, request)
    for utterance in engine.step():
        assert utterance.waveform is not None
        expected = alone[requests[utterance.ticket].request_id]
        assert waveform_sha256(utterance.waveform) == expected
    assert engine.step() == [], "each utterance leaves once"


def test_another_text_another_seed_and_another_speed_sound_otherwise() -> None:
    text = "This is message number 7, thank you, and it has a second half."
    changes = ({}, {"text": f"{text[:-1]}!"}, {"voice_seed": 7}, {"speed": 2.0})
    assert len({digest(**({"text": text} | change)) for change in changes}) == len(changes)
    assert len({digest(text=f"message {number}") for number in range(10_000)}) > 9_990


def test_its_length_follows_the_text_within_bounds() -> None:
    def seconds(characters: int, speed: float = 1.0) -> float:
        return len(echo(a_request(text="x" * characters, speed=speed))) / SAMPLE_RATE

    assert [seconds(count) for count in (1, 64, 65, 160, MAX_TEXT)] == [0.8, 0.8, 0.9, 2.0, 6.4]
    assert (seconds(160, 2.0), seconds(160, 0.5)) == (1.0, 4.0)


def heard(waveform: Waveform) -> set[int]:
    """Return the loudest frequency of each tenth of a second, in Hz."""
    pulses = waveform.reshape(-1, SAMPLE_RATE // 10).astype(float)
    spectra = np.abs(np.fft.rfft(pulses * np.hanning(pulses.shape[1])))
    return {int(peak) * 10 for peak in spectra.argmax(axis=1)}


def test_it_is_heard_in_a_telephones_band() -> None:
    everything = set[int]()
    for number in range(50):
        waveform = echo(numbered(number))
        everything |= heard(waveform)
        assert 10_000 < np.abs(waveform).max() <= 12_000
        assert abs(waveform.mean()) < 40, "a constant offset would be no sound"
    assert (min(everything), max(everything)) == (480, 1200)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_shipped_profile_renders_it(name: str) -> None:
    profile = PROFILES[name]
    for text in ("。", "Your order leaves today.", "x" * 600):
        rendered = render(echo(a_request(text=text)), SAMPLE_RATE, profile)
        assert rendered.duration >= 0.7
        if profile.loudness != "off":
            loudness = rendered.processed.level.loudness
            assert math.isclose(loudness, profile.loudness, abs_tol=1.0)


def test_its_pulses_are_never_taken_for_noise() -> None:
    """Of noisy sound only speech is kept, and a model decides what that is."""
    for number in range(500):
        text = f"{number} {'x' * number}"
        assert Source.of(echo(a_request(text=text)), SAMPLE_RATE).snr == CLEAN, text


def test_a_deployment_that_names_it_has_it_with_its_slots() -> None:
    engine = engines.load(ECHO)
    assert (engine.slots, engine.sample_rate) == (64, 24_000)
    assert engine.fingerprint.startswith("echo-")
    assert "speaks nothing" in engine.description
    other = engines.load(ECHO.model_copy(update={"gpu": GpuSettings(engine="echo", slots=3)}))
    assert (other.slots, other.fingerprint) == (3, engine.fingerprint)


def test_the_voice_lock_holds_it_like_any_other_engine() -> None:
    store = MemoryStore()
    voice_lock.enforce(ECHO, engines.load(ECHO), store, embedded=True)
    voice_lock.enforce(ECHO, engines.load(ECHO), store, embedded=False)
