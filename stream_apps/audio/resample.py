"""Band-limited resampling without delay."""

from functools import lru_cache
from math import gcd
from typing import Literal, cast

import librosa
import numpy as np
from scipy import signal

from seedcast.stream_apps.audio.samples import Samples

Method = Literal["soxr", "kaiser", "soxr_hq"]

# soxr's best quality. `benchmarks/postprocess.py` measures it and the Kaiser filter below, and
# compares librosa's own filters.
RES_TYPE = "soxr_vhq"
ATTENUATION = 100.0  # dB, of the Kaiser filter's stop band
PASS_BAND = 0.9  # of the lower Nyquist frequency, at which the stop band begins
# Phases; rates with a smaller common divisor would need a filter of a million taps.
MAX_PHASES = 1000


def resample(samples: Samples, sample_rate: int, target: int, method: Method = "soxr") -> Samples:
    """Resample (samples,) at `sample_rate` Hz to `target` Hz.

    Returns (ceil(samples · target / sample_rate),). At the same rate every bit is kept.

    `kaiser` is a polyphase filter of our own design; for odd ratios of rates, with more than
    MAX_PHASES phases, soxr does its work. `soxr_hq` is for what is measured but not heard.
    """
    used = method_for(sample_rate, target, method)
    if used is None:
        return samples
    if used == "kaiser":
        up, down = _phases(sample_rate, target)
        filtered = signal.resample_poly(samples, up, down, window=kaiser_filter(up, down))
        return cast(Samples, filtered.astype(np.float32))
    quality = used if used == "soxr_hq" else RES_TYPE
    resampled = librosa.resample(samples, orig_sr=sample_rate, target_sr=target, res_type=quality)
    # librosa takes the ratio as a float, and sometimes returns one sample too many.
    return cast(Samples, resampled[: -(-len(samples) * target // sample_rate)])


def method_for(sample_rate: int, target: int, method: Method = "soxr") -> Method | None:
    """Return the method that `resample` uses if it is asked for `method`; None at the same rate."""
    if sample_rate == target:
        return None
    is_odd = method == "kaiser" and _phases(sample_rate, target)[0] > MAX_PHASES
    return "soxr" if is_odd else method


def _phases(sample_rate: int, target: int) -> tuple[int, int]:
    """Return the factors up and down."""
    common = gcd(sample_rate, target)
    return target // common, sample_rate // common


@lru_cache(32)
def kaiser_filter(up: int, down: int) -> Samples:
    """Return (taps,), odd in number and symmetric: a low-pass at `up` times the source's rate.

    Length and β follow Kaiser's formulas.
    """
    nyquist = 1 / max(up, down)  # the lower one, relative to that of the filter's own rate
    taps, beta = signal.kaiserord(ATTENUATION, nyquist * (1 - PASS_BAND))
    cutoff = nyquist * (1 + PASS_BAND) / 2
    coefficients = signal.firwin(taps | 1, cutoff, window=("kaiser", beta))
    return cast(Samples, coefficients.astype(np.float32))
