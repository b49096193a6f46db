"""Measures noise suppression beside three noises.

For each noise: the SNR estimate, what `auto` does, and what RNNoise makes of it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.audio.corpus import TEXTS, Recording, recordings
from seedcast.catalog.profiles import Profile
from seedcast.gpu_consumers.engines.espeak.engine import spoken
from seedcast.gpu_consumers.engines.espeak.process import SAMPLE_RATE
from seedcast.stream_apps.audio.samples import from_int16
from seedcast.stream_apps.audio.source import Source

SNR = 10.0  # dB
VOICES = 6  # of the babble
Signal = npt.NDArray[np.float32]


@dataclass(frozen=True)
class NoiseFigures:
    """Means over all clips."""

    noise: str
    snr: float  # dB, estimated
    suppressed: float  # share of the clips that `auto` considers noisy
    before: float  # dB SI-SDR
    after: float  # dB SI-SDR, whether `auto` suppresses or not


def measure(count: int, profile: Profile) -> list[NoiseFigures]:
    """Measure `count` clips of about 10 s, each with every noise at SNR."""
    clips = recordings(count)
    return [_measure_noise(noise, clips, profile) for noise in ("white", "pink", "babble")]


def _measure_noise(noise: str, clips: list[Recording], profile: Profile) -> NoiseFigures:
    rows = [_measure_clip(noise, number, clip, profile) for number, clip in enumerate(clips)]
    return NoiseFigures(noise, *map(float, np.array(rows).mean(axis=0)))


def _measure_clip(
    noise: str, number: int, clip: Recording, profile: Profile
) -> tuple[float, bool, float, float]:
    clean = from_int16(clip.waveform) / np.float32(2)
    source = Source(mix(clean, _noise(noise, len(clean), number)), clip.rate)
    return (
        source.snr,
        source.is_noisy(profile.snr),
        _si_sdr(source.samples, clean),
        _si_sdr(source.denoised, clean),
    )


def mix(clean: Signal, noise: Signal) -> Signal:
    sounding = np.flatnonzero(clean)
    power = np.mean(np.square(clean[sounding[0] : sounding[-1]], dtype=float))
    noise_power = np.mean(np.square(noise, dtype=float))
    louder = np.sqrt(power / noise_power / 10 ** (SNR / 10))
    samples: Signal = (clean + noise * louder).astype(np.float32)
    return samples


def _noise(name: str, count: int, seed: int) -> Signal:
    if name == "babble":
        return _babble(count, seed)
    return steady(count, seed, pink=name == "pink")


def steady(count: int, seed: int, *, pink: bool) -> Signal:
    """Return white noise, or noise that falls by 3 dB per octave from 40 Hz."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    weights = 1 / np.sqrt(np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 40)) if pink else 1.0
    noise: Signal = np.fft.irfft(spectrum * weights, count).astype(np.float32)
    return noise


def _babble(count: int, seed: int) -> Signal:
    """Return other voices at once, equally loud, each beginning somewhere else in its text."""
    voices = [
        from_int16(spoken(TEXTS[number % len(TEXTS)], 100 + VOICES * seed + number))
        for number in range(VOICES)
    ]
    shifted = [
        np.resize(np.roll(voice / voice.std(), number * len(voice) // VOICES), count)
        for number, voice in enumerate(voices)
    ]
    babble: Signal = np.sum(shifted, axis=0, dtype=np.float32)
    return babble


def _si_sdr(samples: Signal, clean: Signal) -> float:
    """Return the scale-invariant signal-to-distortion ratio in dB (Le Roux et al., 2019)."""
    wanted = clean * (np.dot(samples, clean) / np.dot(clean, clean))
    power = np.mean(np.square(wanted, dtype=float))
    distortion = np.mean(np.square(samples - wanted, dtype=float))
    return float(10 * np.log10(power / distortion))
