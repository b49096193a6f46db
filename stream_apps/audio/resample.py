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
    if sample_rate == target:
        return samples
    common = gcd(sample_rate, target)
    up, down = target // common, sample_rate // common
    if method != "kaiser" or up > MAX_UP:
        quality = method if method == "soxr_hq" else RES_TYPE
        return cast(Samples, librosa.resample(samples, orig_sr=sample_rate, target_sr=target, res_type=quality))
    return cast(Samples, signal.resample_poly(samples, up, down, window=kaiser(up, down)).astype(np.float32))


@lru_cache(32)
def kaiser(up: int, down: int) -> Samples:
    """(taps,), odd and symmetric: low-pass at `up` times the source's rate, by Kaiser's formulas for length and β."""
    narrow = 1 / max(up, down)  # the lower Nyquist frequency, in those of the filter's own rate
    taps, beta = signal.kaiserord(ATTENUATION, narrow * (1 - PASS_BAND))
    return cast(Samples, signal.firwin(taps | 1, narrow * (1 + PASS_BAND) / 2, window=("kaiser", beta)).astype(np.float32))
