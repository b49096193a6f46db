"""Speech by espeak, and noise of known power, for the tests of the chain."""

from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt

from seedcast.gpu_consumers.engines.espeak.process import SAMPLE_RATE
from seedcast.gpu_consumers.engines.espeak.speaker import speak, speech_of
from seedcast.gpu_consumers.engines.espeak.voices import Voice, voice_of
from seedcast.gpu_consumers.text.reader import Reader
from seedcast.stream_apps.audio.limiter import measure_peaks
from seedcast.stream_apps.audio.samples import Samples, from_int16

RATE = SAMPLE_RATE
ENGLISH = (
    "Good evening, your parcel arrives tomorrow between nine and eleven;"
    " please have the three boxes at the front desk."
)
MANDARIN = "您好，您的包裹明天上午九点到十一点之间送到，请您准备好身份证，谢谢。"
SHORT = "Please call us back."
# Three that stay, so that the chain hears the same speech when a seed becomes another voice.
SPEAKERS = {
    1: Voice("m5", pitch=52, range=46, rate=178),
    2: Voice("m1", pitch=45, range=45, rate=173),
    5: Voice("m2", pitch=60, range=53, rate=175),
}
VOICES = [(text, seed) for text in (ENGLISH, MANDARIN) for seed in SPEAKERS]


@cache
def speech(text: str = ENGLISH, seed: int = 1, speed: float = 1.0) -> Samples:
    """Return (samples,) at RATE, from the first to the last sound.

    What is 60 dB under the peak is silence.
    """
    voice = SPEAKERS.get(seed) or voice_of(seed)
    voice = replace(voice, rate=round(voice.rate * speed))
    samples = from_int16(speak(speech_of(Reader().read(text)), voice))
    sounding = np.flatnonzero(np.abs(samples) > np.abs(samples).max() / 1000)
    trimmed = samples[sounding[0] : sounding[-1] + 1].copy()
    trimmed.setflags(write=False)
    return trimmed


def silence(seconds: float, rate: int = RATE) -> Samples:
    return np.zeros(round(seconds * rate), np.float32)


def between(samples: Samples, lead: float, tail: float, rate: int = RATE) -> Samples:
    """Add `lead` and `tail` seconds of silence at the ends."""
    return np.concatenate([silence(lead, rate), samples, silence(tail, rate)])


def white(count: int, seed: int = 1) -> Samples:
    """Return (count,) of power 1."""
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


def pink(count: int, seed: int = 0, rate: int = RATE) -> Samples:
    """Return (count,) of power 1 that falls by 3 dB per octave from 40 Hz."""
    spectrum = np.fft.rfft(white(count, seed).astype(float))
    hertz = np.fft.rfftfreq(count, 1 / rate)
    shaped = np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, 40)), count)
    return (shaped / np.sqrt(np.mean(shaped**2))).astype(np.float32)


def breath(count: int, seed: int = 0, rate: int = RATE) -> Samples:
    """Return (count,) of power 1, with little under 500 Hz, swelling and fading."""
    spectrum = np.fft.rfft(white(count, seed).astype(float))
    hertz = np.fft.rfftfreq(count, 1 / rate)
    weights = (hertz / 500) / (1 + (hertz / 500) ** 2)
    shaped = np.fft.irfft(spectrum * weights, count) * (0.6 + 0.4 * np.hanning(count))
    return (shaped / np.sqrt(np.mean(shaped**2))).astype(np.float32)


def power(samples: npt.NDArray[np.floating]) -> float:  # type: ignore[type-arg]
    return float(np.mean(np.square(samples, dtype=np.float64)))


def noisy(clean: Samples, noise: Samples, snr: float) -> Samples:
    """Add noise at `snr` dB, by mean powers; `noise` has power 1 and the same length."""
    sounding = clean.nonzero()[0]
    speech_power = power(clean[sounding[0] : sounding[-1]])
    return clean + noise * np.float32(np.sqrt(speech_power / 10 ** (snr / 10)))


def true_peak(samples: Samples, rate: int) -> float:
    """Return the highest amplitude, also between samples."""
    return float(measure_peaks(samples, rate).max())
