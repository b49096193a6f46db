"""Another sample rate, band-limited, without delay."""

from functools import lru_cache
from math import gcd
from typing import Literal, cast

import librosa
import numpy as np
from scipy import signal

from stream_apps.audio.samples import Samples

Method = Literal["soxr", "kaiser", "soxr_hq"]

# soxr's best quality. `benchmarks/postprocess.py` measures both, and what librosa's own Kaiser filters do.
RES_TYPE = "soxr_vhq"
ATTENUATION = 100.0  # dB, of the Kaiser filter's stop band
PASS_BAND = 0.9  # of the lower Nyquist frequency, at which the stop band begins
MAX_UP = 1000  # phases; rates with a smaller common divisor would need a filter of a million taps


def resample(samples: Samples, sample_rate: int, target: int, method: Method = "soxr") -> Samples:
    """(samples,) at `sample_rate` Hz to (ceil(samples · target / sample_rate),) at `target` Hz; at the same rate every bit is kept.

    `kaiser` is a designed polyphase filter; for odd ratios of rates, of more than MAX_UP phases, soxr does its work. `soxr_hq`
    is for what is measured and not heard.
    """
    used = filter_of(sample_rate, target, method)
    if used is None:
        return samples
    if used != "kaiser":
        quality = used if used == "soxr_hq" else RES_TYPE
        made = librosa.resample(samples, orig_sr=sample_rate, target_sr=target, res_type=quality)
        return cast(
            Samples, made[: -(-len(samples) * target // sample_rate)]
        )  # librosa takes the ratio as a float, and gives one too many at times
    up, down = _phases(sample_rate, target)
    return cast(
        Samples, signal.resample_poly(samples, up, down, window=kaiser(up, down)).astype(np.float32)
    )


def filter_of(sample_rate: int, target: int, method: Method = "soxr") -> Method | None:
    """By which of them `resample` works; None at the same rate."""
    if sample_rate == target:
        return None
    return "soxr" if method == "kaiser" and _phases(sample_rate, target)[0] > MAX_UP else method


def _phases(sample_rate: int, target: int) -> tuple[int, int]:
    """Up and down."""
    common = gcd(sample_rate, target)
    return target // common, sample_rate // common


@lru_cache(32)
def kaiser(up: int, down: int) -> Samples:
    """(taps,), odd and symmetric: low-pass at `up` times the source's rate, by Kaiser's formulas for length and β."""
    narrow = 1 / max(up, down)  # the lower Nyquist frequency, in those of the filter's own rate
    taps, beta = signal.kaiserord(ATTENUATION, narrow * (1 - PASS_BAND))
    return cast(
        Samples,
        signal.firwin(taps | 1, narrow * (1 + PASS_BAND) / 2, window=("kaiser", beta)).astype(
            np.float32
        ),
    )
