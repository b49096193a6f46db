"""Whose voice a seed is, by what is heard: pitch, vocal tract, spectrum and level, measured."""

import itertools
from dataclasses import dataclass
from functools import cache

import librosa
import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg
import scipy.signal

from seedcast.gpu_consumers.engines.espeak.engine import spoken
from seedcast.gpu_consumers.engines.espeak.process import SAMPLE_RATE
from seedcast.gpu_consumers.engines.espeak.voices import MEN, WOMEN, voice_of
from tests.builders.pitch import pitches

Array = npt.NDArray[np.floating]  # type: ignore[type-arg]
TEXTS = {
    "English": "Good evening, your parcel arrives tomorrow between nine and eleven.",
    "Mandarin": "您好，您的包裹明天上午九点到十一点之间送到，请您准备好身份证。",
}
SEEDS = range(16)  # every speaker once
WOMEN_OF_SEEDS, MEN_OF_SEEDS = SEEDS[::2], SEEDS[1::2]
FRAME, HOP = 2048, 512


@dataclass(frozen=True)
class Heard:
    pitch: float  # median, Hz
    third_formant: float  # median, Hz: the shorter the vocal tract, the higher
    spectrum: Array  # (24,) dB by mel band, about a mean of 0
    peak: int
    level: float  # dB under full scale, of what is not silent


@cache
def heard(language: str, seed: int) -> Heard:
    waveform = spoken(TEXTS[language], seed)
    samples = waveform.astype(np.float32) / 32768
    levels = librosa.feature.rms(y=samples, frame_length=FRAME, hop_length=HOP)[0]
    loud = levels > levels.max() * 0.3
    mel = librosa.feature.melspectrogram(
        y=samples, sr=SAMPLE_RATE, n_fft=FRAME, hop_length=HOP, n_mels=24, fmax=8000
    )
    spectrum = 10 * np.log10(mel[:, loud].mean(axis=1))
    return Heard(
        pitch=float(np.median(pitches(waveform))),
        third_formant=third_formant(samples),
        spectrum=spectrum - spectrum.mean(),
        peak=int(np.abs(waveform.astype(int)).max()),
        level=float(20 * np.log10(np.sqrt(np.mean(levels[loud] ** 2)))),
    )


def third_formant(samples: Array) -> float:
    """The median over the loud frames of the third resonance, by linear prediction."""
    rate = 10_000
    low = scipy.signal.resample_poly(samples, 200, 441)
    frames = librosa.util.frame(np.append(low[0], np.diff(low)), frame_length=300, hop_length=300)
    powers = (frames**2).sum(axis=0)
    loud = frames[:, powers > np.quantile(powers, 0.6)].T * np.hamming(300)
    found = [resonances(predictor(frame), rate) for frame in loud]
    return float(np.median([hertz[2] for hertz in found if len(hertz) > 2]))


def predictor(frame: Array, order: int = 10) -> Array:
    """The polynomial of linear prediction (Makhoul 1975, the autocorrelation method)."""
    products = np.correlate(frame, frame, "full")[len(frame) - 1 :][: order + 1]
    return np.append(1, -scipy.linalg.solve_toeplitz(products[:-1], products[1:]))


def resonances(polynomial: Array, rate: int) -> list[float]:
    """The sharp ones, in Hz, from the lowest up."""
    roots = [root for root in np.roots(polynomial) if root.imag > 0]
    sharp = [root for root in roots if -np.log(abs(root)) * rate / np.pi < 600]
    return sorted(hertz for hertz in np.angle(sharp) * rate / 2 / np.pi if hertz > 150)


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", TEXTS)
def test_even_seeds_are_women_and_odd_ones_men(language: str) -> None:
    """By pitch and, as a listener does where pitch is alike, by the vocal tract."""
    women = [heard(language, seed) for seed in WOMEN_OF_SEEDS]
    men = [heard(language, seed) for seed in MEN_OF_SEEDS]
    assert min(woman.pitch for woman in women) > 1.2 * max(man.pitch for man in men)
    assert min(woman.third_formant for woman in women) > max(man.third_formant for man in men)


def difference(one: Heard, other: Heard) -> float:
    """The difference of two spectra in dB (root mean square)."""
    return float(np.sqrt(np.mean((one.spectrum - other.spectrum) ** 2)))


@pytest.mark.parametrize("language", TEXTS)
def test_speakers_differ_in_more_than_pitch(language: str) -> None:
    voices = [heard(language, seed) for seed in SEEDS]
    pairs = [difference(one, other) for n, one in enumerate(voices) for other in voices[:n]]
    neighbours = [difference(*pair) for pair in itertools.pairwise(voices)]
    assert min(pairs) > 1.5
    assert min(neighbours) > 2.5


def test_a_seed_is_one_character_in_both_languages() -> None:
    """Of sixteen people who spoke English, the one who speaks Mandarin is mostly found."""
    english, mandarin = (
        np.array([[*heard(language, seed).spectrum, pitch(language, seed)] for seed in SEEDS])
        for language in TEXTS
    )
    english, mandarin = english - english.mean(axis=0), mandarin - mandarin.mean(axis=0)
    distances = ((english[:, None] - mandarin) ** 2).sum(axis=2)
    assert np.count_nonzero(distances.argmin(axis=0) == np.arange(16)) >= 12


def pitch(language: str, seed: int) -> float:
    """In units that weigh as much as a spectrum: five for a semitone."""
    return 60 * float(np.log2(heard(language, seed).pitch))


@pytest.mark.parametrize("language", TEXTS)
def test_every_voice_is_loud_and_none_meets_full_scale(language: str) -> None:
    voices = [heard(language, seed) for seed in SEEDS]
    assert max(voice.peak for voice in voices) < 31_000
    assert min(voice.level for voice in voices) > -30


WORDS = {
    "English": [
        "one",
        "two",
        "seven",
        "nine",
        "parcel",
        "number",
        "bank",
        "station",
        "sheet",
        "ship",
    ],
    "Mandarin": ["一", "二", "七", "九", "包裹", "号码", "银行", "车站", "四十", "十四"],
}


def sound_of(word: str, seed: int) -> Array:
    """(289,): the course of a word's spectrum, however fast it is said, and its length."""
    samples = spoken(word, seed).astype(np.float32) / 32768
    sounding = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    samples = samples[sounding[0] : sounding[-1] + 1]
    cepstra = librosa.feature.mfcc(
        y=samples, sr=SAMPLE_RATE, n_mfcc=13, n_fft=512, hop_length=110, fmax=8000
    )[1:]
    places = np.linspace(0, cepstra.shape[1] - 1, 24)
    courses = [np.interp(places, np.arange(cepstra.shape[1]), row) for row in cepstra]
    return np.array([*np.ravel(courses), len(samples) / SAMPLE_RATE * 50])


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", WORDS)
def test_every_voice_is_understood_by_who_knows_the_others(language: str) -> None:
    """Each word of a voice is nearest to the same word of most of the other voices."""
    words = WORDS[language]
    voices = np.array([[sound_of(word, seed) for word in words] for seed in SEEDS])
    voices = (voices - voices.mean(axis=1, keepdims=True)) / voices.std(axis=(1, 2), keepdims=True)
    distances = ((voices[:, None, :, None] - voices[None, :, None, :]) ** 2).sum(axis=-1)
    understood = distances.argmin(axis=3) == np.arange(len(words))  # (voice, other, word)
    rates = understood[~np.eye(16, dtype=bool)].reshape(16, -1).mean(axis=1)
    assert rates.min() > 0.85, rates.round(2)


def test_sixteen_seeds_have_all_speakers_and_every_seed_is_a_voice() -> None:
    for start in (0, 16, 2224, 7872):
        variants = [voice_of(seed).variant for seed in range(start, start + 16)]
        assert sorted(variants) == sorted(WOMEN + MEN)
    assert len({voice_of(seed) for seed in range(400)}) > 380
