"""Measures what each resampler keeps, what it lets through, and how fast it is.

The profiles' choice of resampler is based on this table.
"""

import time
import warnings
from dataclasses import dataclass

import librosa
import numpy as np
import numpy.typing as npt

from seedcast.stream_apps.audio.resample import resample

LIBROSA = ("soxr_hq", "soxr_mq", "polyphase", "kaiser_best", "kaiser_fast")
PAIRS = ((24_000, 8_000), (24_000, 48_000), (22_050, 48_000))
Signal = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Filter:
    name: str
    rate: int
    target: int
    ripple: float  # dB, highest deviation up to 85 % of the lower Nyquist frequency
    edge: float  # dB at 3.4 kHz for 8 kHz, else at 90 % of the lower Nyquist frequency
    rejection: float  # dB: the loudest alias or image of a tone of full scale
    realtime: float  # seconds of audio per CPU second


def measure() -> list[Filter]:
    names = ("soxr", "kaiser", *LIBROSA)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [_measure_filter(name, *pair) for pair in PAIRS for name in names]


def _resample(name: str, samples: Signal, rate: int, target: int) -> Signal:
    if name in ("soxr", "kaiser"):
        return resample(samples, rate, target, name)  # type: ignore[arg-type]
    resampled: Signal = librosa.resample(samples, orig_sr=rate, target_sr=target, res_type=name)
    return resampled


def _measure_filter(name: str, rate: int, target: int) -> Filter:
    nyquist = min(rate, target) / 2
    flat = [_gain(name, share * nyquist, rate, target) for share in np.linspace(0.02, 0.85, 15)]
    edge = _gain(name, 3400.0 if target == 8_000 else 0.9 * nyquist, rate, target)
    if target < rate:
        tones = np.linspace(1.02 * nyquist, 0.95 * rate / 2, 15)
        loudest = max(_level(name, hertz, rate, target) for hertz in tones)
    else:
        tones = np.linspace(0.1 * nyquist, 0.9 * nyquist, 8)
        loudest = max(_image(name, hertz, rate, target) for hertz in tones)
    speed = _speed(name, rate, target)
    return Filter(name, rate, target, max(map(abs, flat)), edge, -loudest, speed)


def _resampled_tone(name: str, hertz: float, rate: int, target: int) -> npt.NDArray[np.float64]:
    """Return the middle half of a resampled second of a tone of full scale."""
    tone = np.sin(2 * np.pi * hertz * np.arange(rate) / rate).astype(np.float32)
    samples = _resample(name, tone, rate, target)
    return samples[len(samples) // 4 : -(len(samples) // 4)].astype(float)


def _gain(name: str, hertz: float, rate: int, target: int) -> float:
    """Return the gain in dB of a tone that both rates can hold."""
    samples = _resampled_tone(name, hertz, rate, target)
    window = np.blackman(len(samples))
    turning = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / target)
    amplitude = abs(np.sum(samples * window * turning))
    return float(20 * np.log10(2 * amplitude / window.sum()))


def _level(name: str, hertz: float, rate: int, target: int) -> float:
    """Return the level in dB of all that is left of a tone."""
    samples = _resampled_tone(name, hertz, rate, target)
    return float(10 * np.log10(2 * np.mean(samples**2) + 1e-20))


def _image(name: str, hertz: float, rate: int, target: int) -> float:
    """Return the power in dB over the old Nyquist frequency, relative to the whole."""
    samples = _resampled_tone(name, hertz, rate, target)
    power = np.abs(np.fft.rfft(samples * np.blackman(len(samples)))) ** 2
    beyond = power[int(len(power) * rate / target * 1.01) :]
    return float(10 * np.log10(beyond.sum() / power.sum() + 1e-20))


def _speed(name: str, rate: int, target: int) -> float:
    """Return the seconds of audio resampled per CPU second."""
    noise = np.random.default_rng(1).standard_normal(10 * rate).astype(np.float32)
    samples = noise * np.float32(0.1)
    _resample(name, samples, rate, target)
    began, runs = time.thread_time(), 0
    while (elapsed := time.thread_time() - began) < 0.3:
        _resample(name, samples, rate, target)
        runs += 1
    return 10 * runs / elapsed
