"""The SNR estimate, the decision to suppress noise, and RNNoise."""

from functools import cache

import msgspec
import numpy as np
import pytest

from seedcast.catalog import profiles
from seedcast.settings import PostprocessSettings
from seedcast.stream_apps.audio.noise import CLEAN, estimate_snr, suppress
from seedcast.stream_apps.audio.process import process
from seedcast.stream_apps.audio.samples import Samples
from seedcast.stream_apps.audio.source import Source
from tests.builders.speech import (
    ENGLISH,
    MANDARIN,
    RATE,
    SHORT,
    VOICES,
    between,
    noisy,
    pink,
    power,
    silence,
    speech,
    white,
)

NOISES = {"white": white, "pink": pink}
SONOROUS = (
    "Ma ma ma ma, no more.",
    "We rely on you all year, Lily Malone, as ever.",
    "妈妈骂马吗，您好您好。",
)  # steady, and nothing at high frequencies
TABLE = profiles.load(PostprocessSettings())


@cache
def clip(text: str, seed: int) -> Samples:
    return between(speech(text, seed), 0.25, 0.25)


def joined(samples: Samples) -> Samples:
    """Add digital silence at the ends and in the middle, as between joined segments."""
    middle = len(samples) // 2
    return np.concatenate(
        [silence(0.25), samples[:middle], silence(0.5), samples[middle:], silence(0.25)]
    )


def distortion(made: Samples, clean: Samples) -> float:
    """SI-SDR in dB (Le Roux et al., 2019)."""
    wanted = clean * (np.dot(made, clean) / np.dot(clean, clean))
    return 10 * float(np.log10(power(wanted) / power(made - wanted)))


@pytest.mark.sample(24)
@pytest.mark.parametrize("decibels", [5, 10, 15, 20, 25, 30, 35])
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("text", "seed"), VOICES)
def test_snr_is_estimated_within_3_decibels(
    text: str, seed: int, noise: str, decibels: float
) -> None:
    clean = clip(text, seed)
    samples = noisy(clean, NOISES[noise](len(clean), seed), decibels)
    assert abs(estimate_snr(samples, RATE) - decibels) <= 3


@pytest.mark.sample(24)
@pytest.mark.parametrize("offset", [0.0, 0.01])
@pytest.mark.parametrize("decibels", [5, 10, 15, 20, 25])
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("text", "seed"), VOICES)
def test_digital_silence_in_noisy_speech_does_not_count_as_its_noise(
    text: str, seed: int, noise: str, decibels: float, offset: float
) -> None:
    clean = speech(text, seed)
    samples = joined(noisy(clean, NOISES[noise](len(clean), seed), decibels)) + np.float32(offset)
    assert abs(Source(samples, RATE).snr - decibels) <= 3


@pytest.mark.parametrize("decibels", [30, 35])
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("text", "seed"), VOICES)
def test_little_noise_beside_digital_silence_reads_at_most_5_decibels_too_loud(
    text: str, seed: int, noise: str, decibels: float
) -> None:
    clean = speech(text, seed)
    samples = joined(noisy(clean, NOISES[noise](len(clean), seed), decibels))
    assert estimate_snr(samples, RATE) > decibels - 5


@pytest.mark.sample(20)
@pytest.mark.parametrize("text", [ENGLISH, MANDARIN, SHORT, *SONOROUS])
@pytest.mark.parametrize("seed", range(10))
def test_clean_speech_with_digital_silence_inside_and_around_it_is_clean(
    text: str, seed: int
) -> None:
    clean = speech(text, seed)
    for samples in (
        joined(clean),
        between(clean, 0.3, 0.3),
        np.concatenate([clean, silence(0.6), clean]),
    ):
        assert estimate_snr(samples, RATE) > 40


@pytest.mark.sample(12)
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(
    ("decibels", "expected"),
    [(5, True), (10, True), (16, True), (24, False), (30, False), (None, False)],
)
@pytest.mark.parametrize(("text", "seed"), VOICES)
def test_suppression_runs_if_it_is_needed_beside_digital_silence(
    text: str, seed: int, decibels: float | None, expected: bool, noise: str
) -> None:
    clean = speech(text, seed)
    if decibels is not None:
        clean = noisy(clean, NOISES[noise](len(clean), seed), decibels)
    assert process(Source(joined(clean), RATE), TABLE["phone"]).denoised is expected


@pytest.mark.parametrize("seconds", [0.5, 0.9])
def test_a_clip_of_under_a_second_is_never_suppressed_on_auto(seconds: float) -> None:
    clean = speech()[: round(seconds * RATE)]
    loud = noisy(clean, white(len(clean)), 5)
    phone, always = TABLE["phone"], msgspec.structs.replace(TABLE["phone"], denoise="on")
    assert Source(loud, RATE).snr < 20
    assert not process(Source(loud, RATE), phone).denoised
    assert not process(Source(joined(loud), RATE), phone).denoised  # silence does not count
    assert process(Source(loud, RATE), always).denoised


@pytest.mark.parametrize(("text", "seed"), [*VOICES, *((SHORT, seed) for seed in range(10))])
def test_speech_without_noise_is_clean_with_and_without_silence_around_it(
    text: str, seed: int
) -> None:
    assert estimate_snr(speech(text, seed), RATE) > 24
    assert estimate_snr(clip(text, seed), RATE) > 40


@pytest.mark.parametrize(
    "samples",
    [np.zeros(0, np.float32), np.zeros(RATE, np.float32), np.ones(1, np.float32)],
    ids=["none", "silence", "one"],
)
def test_samples_without_noise_to_measure_are_clean(samples: Samples) -> None:
    assert estimate_snr(samples, RATE) == CLEAN


@pytest.mark.sample(24)
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(
    ("decibels", "expected"),
    [(5, True), (10, True), (16, True), (24, False), (30, False), (None, False)],
)
@pytest.mark.parametrize(("text", "seed"), VOICES)
def test_noise_is_to_be_suppressed_if_it_can_be_heard(
    text: str, seed: int, decibels: float | None, expected: bool, noise: str
) -> None:
    clean = clip(text, seed)
    samples = clean if decibels is None else noisy(clean, NOISES[noise](len(clean), seed), decibels)
    assert Source(samples, RATE).is_noisy(TABLE["phone"].snr) is expected


def test_suppression_runs_if_it_is_needed_unless_it_is_switched_on_or_off() -> None:
    clean, phone = clip(*VOICES[0]), TABLE["phone"]
    loud = noisy(clean, white(len(clean)), 5)
    assert process(Source(clean, RATE), msgspec.structs.replace(phone, denoise="on")).denoised
    assert process(Source(loud, RATE), phone).denoised
    assert not process(Source(clean, RATE), phone).denoised
    assert not process(Source(loud, RATE), msgspec.structs.replace(phone, denoise="off")).denoised
    assert not process(Source(loud, RATE), msgspec.structs.replace(phone, snr=0.0)).denoised


@pytest.mark.sample(4)
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("text", "seed"), VOICES)
def test_suppression_gains_3_decibels_at_10(text: str, seed: int, noise: str) -> None:
    clean = clip(text, seed)
    samples = noisy(clean, NOISES[noise](len(clean), seed), 10)
    assert distortion(suppress(samples, RATE), clean) >= distortion(samples, clean) + 3


@pytest.mark.parametrize("rate", [8_000, 22_050, 24_000, 48_000])
def test_suppression_does_not_shift_the_sound_and_keeps_the_length(rate: int) -> None:
    clean = clip(*VOICES[0])[: 2 * rate + 7]
    made = suppress(clean, rate)
    assert len(made) == len(clean)
    size = 2 * len(clean)
    correlation = np.fft.irfft(np.fft.rfft(made, size) * np.conj(np.fft.rfft(clean, size)))
    shift = int(np.argmax(correlation))
    assert min(shift, size - shift) <= rate / 8000  # an eighth of a millisecond


def test_each_clip_is_suppressed_from_a_fresh_state() -> None:
    first, other = noisy(clip(*VOICES[0]), white(len(clip(*VOICES[0]))), 10), clip(*VOICES[3])
    before = suppress(first, RATE)
    suppress(other, RATE)
    assert np.array_equal(suppress(first, RATE), before)
