"""What of the spectrum a device gets: a linear-phase band-pass that delays nothing."""

from functools import lru_cache
from typing import cast

import numpy as np
from scipy import signal

from stream_apps.audio.samples import Samples

ATTENUATION = 60.0  # dB
TRANSITION = 0.5  # of the lower edge, and at most 200 Hz: what lies between pass band and stop band, outside both edges


def keep_band(samples: Samples, rate: int, low: float, high: float) -> Samples:
    """(samples,): whole from `low` to `high` Hz, and a thousandth of the amplitude beyond the transitions."""
    taps = band_pass(rate, low, high)
    padded = np.pad(samples, len(taps) // 2)
    return cast(Samples, signal.oaconvolve(padded, taps, mode="valid").astype(np.float32))


@lru_cache(32)
def band_pass(rate: int, low: float, high: float) -> Samples:
    """(taps,), odd and symmetric."""
    width = min(200.0, TRANSITION * low)
    taps, beta = signal.kaiserord(ATTENUATION, width / (rate / 2))
    edges = low - width / 2, min(high + width / 2, rate * 0.499)
    return cast(
        Samples,
        signal.firwin(taps | 1, edges, window=("kaiser", beta), pass_zero=False, fs=rate).astype(
            np.float32
        ),
    )
