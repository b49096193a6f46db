"""What each resampler keeps, what it lets through, and how fast it is: the table behind the choice."""

import time
import warnings
from dataclasses import dataclass

import librosa
import numpy as np
import numpy.typing as npt

from stream_apps.audio.resample import resample

LIBROSA = ("soxr_hq", "soxr_mq", "polyphase", "kaiser_best", "kaiser_fast")
PAIRS = ((24_000, 8_000), (24_000, 48_000), (22_050, 48_000))
Signal = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Filter:
    name: str
    rate: int
    target: int
    ripple: float  # dB, highest deviation to 85 % of the lower Nyquist frequency
    edge: float  # dB at 3.4 kHz for 8 kHz, else at 90 % of the lower Nyquist frequency
    rejection: float  # dB: the loudest alias or image of a tone of full scale
    realtime: float  # seconds of audio a CPU second


def measure() -> list[Filter]:
    names = ("soxr", "kaiser", *LIBROSA)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [_filter(name, *pair) for pair in PAIRS for name in names]


def _resample(name: str, samples: Signal, rate: int, target: int) -> Signal:
    if name in ("soxr", "kaiser"):
        return resample(samples, rate, target, name)  # type: ignore[arg-type]
    made: Signal = librosa.resample(samples, orig_sr=rate, target_sr=target, res_type=name)
    return made


def _filter(name: str, rate: int, target: int) -> Filter:
    nyquist = min(rate, target) / 2
    flat = [_gain(name, share * nyquist, rate, target) for share in np.linspace(0.02, 0.85, 15)]
    edge = _gain(name, 3400.0 if target == 8_000 else 0.9 * nyquist, rate, target)
    if target < rate:
        rest = max(
            _loudness(name, hertz, rate, target)
            for hertz in np.linspace(1.02 * nyquist, 0.95 * rate / 2, 15)
        )
    else:
        rest = max(
            _image(name, hertz, rate, target)
            for hertz in np.linspace(0.1 * nyquist, 0.9 * nyquist, 8)
        )
    return Filter(name, rate, target, max(map(abs, flat)), edge, -rest, _speed(name, rate, target))


def _sine(hertz: float, rate: int) -> Signal:
    return np.sin(2 * np.pi * hertz * np.arange(rate) / rate).astype(np.float32)


def _middle(samples: Signal) -> npt.NDArray[np.float64]:
    return samples[len(samples) // 4 : -(len(samples) // 4)].astype(float)


def _gain(name: str, hertz: float, rate: int, target: int) -> float:
    made = _middle(_resample(name, _sine(hertz, rate), rate, target))
    window = np.blackman(len(made))
    found = abs(np.sum(made * window * np.exp(-2j * np.pi * hertz * np.arange(len(made)) / target)))
    return float(20 * np.log10(2 * found / window.sum()))


def _loudness(name: str, hertz: float, rate: int, target: int) -> float:
    return float(
        10
        * np.log10(
            2 * np.mean(_middle(_resample(name, _sine(hertz, rate), rate, target)) ** 2) + 1e-20
        )
    )


def _image(name: str, hertz: float, rate: int, target: int) -> float:
    made = _middle(_resample(name, _sine(hertz, rate), rate, target))
    power = np.abs(np.fft.rfft(made * np.blackman(len(made)))) ** 2
    return float(
        10 * np.log10(power[int(len(power) * rate / target * 1.01) :].sum() / power.sum() + 1e-20)
    )


def _speed(name: str, rate: int, target: int) -> float:
    samples = np.random.default_rng(1).standard_normal(10 * rate).astype(np.float32) * np.float32(
        0.1
    )
    _resample(name, samples, rate, target)
    began, turns = time.thread_time(), 0
    while (took := time.thread_time() - began) < 0.3:
        _resample(name, samples, rate, target)
        turns += 1
    return 10 * turns / took
