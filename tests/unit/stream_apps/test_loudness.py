"""Loudness, true peaks, the limiter and the compressor."""

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from seedcast.catalog import profiles
from seedcast.errors import InvalidSettings
from seedcast.settings import PostprocessSettings
from seedcast.stream_apps.audio.limiter import compress, limit, measure_peaks
from seedcast.stream_apps.audio.loudness import (
    ACTIVE,
    GAIN,
    level,
    measure_loudness,
    weighting_filter,
)
from seedcast.stream_apps.audio.process import process
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.samples import Samples, db_to_amplitude
from seedcast.stream_apps.audio.source import Source
from tests.builders.speech import (
    ENGLISH,
    MANDARIN,
    RATE,
    VOICES,
    noisy,
    power,
    silence,
    speech,
    true_peak,
    white,
)

LIMITING = 6.0  # dB, as the documents say
TARGETS = [(-16.0, -1.0), (-19.0, -2.0), (-23.0, -1.0)]


def clip(text: str, seed: int, seconds: float, rate: int) -> Samples:
    return np.resize(resample(speech(text, seed), RATE, rate), round(seconds * rate))


@pytest.mark.sample(12)
@pytest.mark.parametrize("seconds", [2.1, 10.0])
@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
@pytest.mark.parametrize(("target", "ceiling"), TARGETS)
@pytest.mark.parametrize(("text", "seed"), [(ENGLISH, 1), (MANDARIN, 2)])
def test_loudness_meets_its_target_under_the_ceiling(
    text: str, seed: int, target: float, ceiling: float, rate: int, seconds: float
) -> None:
    samples = clip(text, seed, seconds, rate)
    made, levelled = level(samples, rate, target, ceiling)
    loudness = pyloudnorm.Meter(rate).integrated_loudness(made.astype(float))
    if levelled.limited < LIMITING - 0.1:
        assert abs(loudness - target) <= 0.5
    assert target - 2 < loudness < target + 0.5
    assert levelled.limited <= LIMITING + 0.1
    assert levelled.loudness == pytest.approx(loudness, abs=0.1)
    assert finer_peak(made, rate) <= db_to_amplitude(ceiling + 0.05)
    assert levelled.true_peak <= ceiling + 0.01


def finer_peak(samples: Samples, rate: int) -> float:
    """Return the peak by 16 × oversampling, four times that of the limiter."""
    return float(np.abs(resample(samples, rate, 16 * rate)).max())


def test_the_reference_tone_of_bs_1770_has_the_loudness_of_the_standard() -> None:
    tone = np.sin(2 * np.pi * 997 * np.arange(5 * 48_000) / 48_000).astype(np.float32)
    assert measure_loudness(tone, 48_000) == pytest.approx(-3.01, abs=0.1)
    assert measure_loudness(tone / 10, 48_000) == pytest.approx(-23.01, abs=0.1)


@pytest.mark.parametrize("seconds", [0.001, 0.05, 0.2, 0.39, 1.0, 1.99])
def test_short_speech_is_measured_by_its_active_level_whatever_silence_it_holds(
    seconds: float,
) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(round(seconds * 48_000)) / 48_000).astype(np.float32)
    loudness = measure_loudness(tone, 48_000)
    if seconds > 0.1:
        assert loudness == pytest.approx(-3.0 - ACTIVE, abs=0.2)
        gaps = np.concatenate(
            [tone[: len(tone) // 2], silence(0.2, 48_000), tone[len(tone) // 2 :]]
        )
        assert measure_loudness(gaps, 48_000) == pytest.approx(loudness, abs=0.5)
    made, levelled = level(tone, 48_000, -20.0, -1.0)
    assert levelled.loudness == pytest.approx(-20, abs=0.1)
    assert measure_loudness(made, 48_000) == pytest.approx(-20, abs=0.1)


def test_the_true_peak_includes_peaks_between_samples() -> None:
    phases = np.pi / 2 * np.arange(4800) + np.pi / 4  # every sample is at 0.707
    tone = np.sin(phases).astype(np.float32)
    assert np.abs(tone).max() < 0.71
    assert true_peak(tone, 48_000) == pytest.approx(1.0, abs=0.02)


def test_a_limiter_does_not_change_samples_under_its_ceiling() -> None:
    samples = speech() * np.float32(0.1)
    assert limit(samples, RATE, 0.9, measure_peaks(samples, RATE)).samples is samples


def test_a_limiter_lowers_a_single_peak_and_nothing_far_from_it() -> None:
    samples = (0.3 * np.sin(np.arange(RATE) * 0.2)).astype(np.float32)
    samples[RATE // 2] = 1.5
    limited = limit(samples, RATE, 0.5, measure_peaks(samples, RATE))
    assert true_peak(limited.samples, RATE) <= 0.5 * 1.001
    assert np.allclose(limited.samples[: RATE // 3], samples[: RATE // 3], atol=1e-6)
    assert limited.lowest_gain < 0.4


def test_silence_stays_silent_and_near_silence_gets_limited_gain() -> None:
    made, levelled = level(silence(1.0), RATE, -16.0, -1.0)
    assert not made.any()
    assert levelled.loudness == float("-inf")
    whisper = speech() * np.float32(1e-4)
    assert level(whisper, RATE, -16.0, -1.0)[1].gain <= GAIN + 0.1


def test_without_target_and_ceiling_every_bit_is_kept_and_measured() -> None:
    samples = speech()
    made, levelled = level(samples, RATE, None, None)
    assert made is samples
    assert levelled.loudness == levelled.before == pytest.approx(measure_loudness(samples, RATE))
    assert db_to_amplitude(levelled.true_peak) == pytest.approx(true_peak(samples, RATE), rel=1e-4)


def test_a_compressor_brings_syllable_levels_closer_and_does_not_lift_silence() -> None:
    loud = (0.5 * np.sin(np.arange(RATE) * 0.2)).astype(np.float32)
    samples = np.concatenate([loud, loud / 4, silence(0.5)])
    made = compress(samples, RATE, 3.0)
    middle = RATE // 4
    before, after = (
        10 * np.log10(power(s[middle : 3 * middle]) / power(s[RATE + middle : RATE + 3 * middle]))
        for s in (samples, made)
    )
    assert before == pytest.approx(12, abs=0.1)
    assert after == pytest.approx(12 / 3, abs=1)
    assert not made[-RATE // 4 :].any()


@pytest.mark.parametrize(("text", "seed"), VOICES)
def test_a_compressor_lifts_speech_more_than_noise_28_decibels_under_it(
    text: str, seed: int
) -> None:
    clean = speech(text, seed)
    noise = noisy(clean, white(len(clean)), 28) - clean
    floor = noise[: RATE // 2] if len(noise) > RATE else noise
    made = compress(np.concatenate([floor, clean + noise, floor]), RATE, 3.0)
    pause, spoken = made[RATE // 10 : 4 * RATE // 10], made[len(floor) : -len(floor)]
    lifted = 10 * np.log10(power(pause) / power(floor))
    assert lifted <= 10 * np.log10(power(spoken) / power(clean + noise))


@pytest.mark.parametrize("position", [0, 2000, 3500, 3599])
@pytest.mark.parametrize("ceiling", [-2.0, -40.0])
def test_a_click_in_silence_gives_finite_samples_under_the_ceiling(
    position: int, ceiling: float
) -> None:
    samples = np.zeros(3600, np.float32)  # 450 ms
    samples[position] = 1
    made, levelled = level(samples, 8_000, -20.0, ceiling)
    assert np.isfinite(made).all()
    assert levelled.gain <= GAIN
    assert levelled.limited <= LIMITING + 0.1 or levelled.gain == 0
    assert true_peak(made, 8_000) <= db_to_amplitude(ceiling + 0.01)


@pytest.mark.parametrize("text", [ENGLISH, "7", "好"])
def test_an_unreachable_target_is_given_up_where_the_limiter_would_be_heard(text: str) -> None:
    made, levelled = level(speech(text), RATE, -5.0, -20.0)
    assert levelled.limited == pytest.approx(LIMITING, abs=0.1)
    assert levelled.loudness < -20
    assert true_peak(made, RATE) <= db_to_amplitude(-20 + 0.01)


def test_a_ceiling_without_a_target_only_limits() -> None:
    samples = (0.3 * np.sin(np.arange(2 * RATE) * 0.2)).astype(np.float32)
    samples[RATE:] *= 3
    made, levelled = level(samples, RATE, None, -6.0)
    assert levelled.gain == 0
    assert levelled.loudness < levelled.before - 2
    assert np.allclose(made[: RATE // 2], samples[: RATE // 2], atol=1e-6)
    assert true_peak(made, RATE) <= db_to_amplitude(-6 + 0.01)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            "loudness = -6",
            "expected a loudness of at most -7 LUFS, 6 dB under the true peak, got -6",
        ),
        (
            "true_peak = -20",
            "expected a loudness of at most -26 LUFS, 6 dB under the true peak, got -19",
        ),
        ("band = [0.0001, 3400]", ">= 20"),
        ("band = [19, 3400]", ">= 20"),
    ],
)
def test_a_profile_that_no_filter_or_limiter_can_render_is_refused(
    tmp_path: Path, row: str, problem: str
) -> None:
    (tmp_path / "mine.toml").write_text(f"[kiosk]\nformat = 'flac'\nsample_rate = 16000\n{row}\n")
    with pytest.raises(InvalidSettings) as raised:
        profiles.load(PostprocessSettings(profiles=str(tmp_path / "mine.toml")))
    assert problem in raised.value.got


def test_a_long_clip_has_no_false_peaks_where_its_parts_meet() -> None:
    tone = (0.5 * np.sin(2 * np.pi * 1234.5 * np.arange(65 * 8_000) / 8_000)).astype(np.float32)
    measured = measure_peaks(tone, 8_000)
    assert len(measured) == 65_000
    assert np.allclose(measured[10:-10], 0.5, atol=0.005)


def active_level(samples: Samples, rate: int) -> float:
    """Return the mean level in dB of the 20 ms frames that are at most 15.9 dB under it (P.56).

    With the weighting of BS.1770, since an "s" is not as loud as it is strong.
    """
    frame = rate // 50
    weighted = signal.sosfilt(weighting_filter(rate), samples)
    powers = np.square(weighted[: len(weighted) // frame * frame].reshape(-1, frame)).mean(axis=1)
    active = powers.max()
    for _ in range(20):
        active = powers[powers > active * 10**-1.59].mean()
    return float(10 * np.log10(active))


@pytest.mark.sample(16)
@pytest.mark.parametrize("word", ["7", "Yes.", "Thursday.", "好。", "三", "对不起"])
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("name", ["phone", "telephony", "car"])
def test_a_word_is_as_loud_as_a_sentence(word: str, seed: int, name: str) -> None:
    profile = profiles.load(PostprocessSettings())[name]
    rate = profile.sample_rate
    sentence = ENGLISH if word.isascii() else MANDARIN
    levels = [
        active_level(process(Source(speech(text, seed), RATE), profile).samples, rate)
        for text in (word, sentence)
    ]
    assert abs(levels[0] - levels[1]) <= 1.5


def test_padding_beside_a_word_does_not_count() -> None:
    word = speech("7")
    padded = np.pad(word, round(0.3 * RATE))
    gains = [level(samples, RATE, -19.0, None)[1].gain for samples in (word, padded)]
    assert gains[0] == pytest.approx(gains[1], abs=0.1)
