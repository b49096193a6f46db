"""A linear-phase band-pass without delay: the part of the spectrum that a device can play."""

from functools import lru_cache
from typing import cast

import numpy as np
from scipy import signal

from seedcast.stream_apps.audio.samples import Samples

ATTENUATION = 60.0  # dB
# The transition between pass band and stop band lies outside both edges. Its width is a share of
# the lower edge, up to a maximum.
TRANSITION = 0.5  # of the lower edge
MAX_TRANSITION = 200.0  # Hz


def keep_band(samples: Samples, rate: int, low: float, high: float) -> Samples:
    """Return (samples,) with the band from `low` to `high` Hz only.

    Beyond the transitions a thousandth of the amplitude is left.
    """
    taps = band_pass(rate, low, high)
    padded = np.pad(samples, len(taps) // 2)
    return cast(Samples, signal.oaconvolve(padded, taps, mode="valid").astype(np.float32))


@lru_cache(32)
def band_pass(rate: int, low: float, high: float) -> Samples:
    """Return (taps,), odd in number and symmetric, of a Kaiser-windowed filter."""
    width = min(MAX_TRANSITION, TRANSITION * low)
    taps, beta = signal.kaiserord(ATTENUATION, width / (rate / 2))
    edges = low - width / 2, min(high + width / 2, rate * 0.499)
    window = ("kaiser", beta)
    coefficients = signal.firwin(taps | 1, edges, window=window, pass_zero=False, fs=rate)
    return cast(Samples, coefficients.astype(np.float32))
