"""Noise suppression beside three noises: what is estimated, what `auto` does, and what RNNoise would make of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.audio.corpus import TEXTS, Recording, recordings
from gpu_consumers.engines.espeak import SAMPLE_RATE, speak, voice_of
from seedcast.catalog.profiles import Profile
from stream_apps.audio.samples import from_int16
from stream_apps.audio.source import Source

SNR = 10.0  # dB
VOICES = 6  # of the babble
Signal = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Heard:
    """Means over all clips."""

    noise: str
    snr: float  # dB, estimated
    suppressed: float  # share of the clips that `auto` takes for noisy
    before: float  # dB SI-SDR
    after: float  # dB SI-SDR, whether `auto` suppresses or not


def measure(count: int, profile: Profile) -> list[Heard]:
    """Of `count` clips of about 10 s, each with every noise at SNR."""
    return [_heard(noise, recordings(count), profile) for noise in ("white", "pink", "babble")]


def _heard(noise: str, clips: list[Recording], profile: Profile) -> Heard:
    found = np.array([_clip(noise, number, clip, profile) for number, clip in enumerate(clips)])
    return Heard(noise, *map(float, found.mean(axis=0)))


def _clip(
    noise: str, number: int, clip: Recording, profile: Profile
) -> tuple[float, bool, float, float]:
    clean = from_int16(clip.waveform) / 2
    added = (
        _babble(len(clean), number)
        if noise == "babble"
        else _steady(len(clean), number, pink=noise == "pink")
    )
    heard = np.flatnonzero(clean)
    power = np.mean(np.square(clean[heard[0] : heard[-1]], dtype=float))
    samples = (
        clean + added * np.sqrt(power / np.mean(np.square(added, dtype=float)) / 10 ** (SNR / 10))
    ).astype(np.float32)
    source = Source(samples, clip.rate)
    return (
        source.snr,
        source.noisy(profile.snr),
        _distortion(samples, clean),
        _distortion(source.denoised, clean),
    )


def _steady(count: int, seed: int, *, pink: bool) -> Signal:
    """White, or falling by 3 dB an octave from 40 Hz."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    weights = 1 / np.sqrt(np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 40)) if pink else 1.0
    made: Signal = np.fft.irfft(spectrum * weights, count).astype(np.float32)
    return made


def _babble(count: int, seed: int) -> Signal:
    """Other voices at once, each as loud and beginning somewhere else in its text."""
    voices = [
        from_int16(speak(TEXTS[voice % len(TEXTS)], voice_of(100 + VOICES * seed + voice)))
        for voice in range(VOICES)
    ]
    return np.sum(
        [
            np.resize(np.roll(v / v.std(), voice * len(v) // VOICES), count)
            for voice, v in enumerate(voices)
        ],
        axis=0,
        dtype=np.float32,
    )


def _distortion(made: Signal, clean: Signal) -> float:
    """SI-SDR in dB (Le Roux et al., 2019)."""
    wanted = clean * (np.dot(made, clean) / np.dot(clean, clean))
    return float(
        10
        * np.log10(
            np.mean(np.square(wanted, dtype=float)) / np.mean(np.square(made - wanted, dtype=float))
        )
    )
