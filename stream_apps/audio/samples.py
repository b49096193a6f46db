"""Conversions between int16 and float samples.

Every step of the chain takes and returns (samples,) float32, mono, with full scale at ±1.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from seedcast.waveforms import Waveform, quantise

Samples = npt.NDArray[np.float32]  # (samples,)

FULL_SCALE = 32767.0  # the same as in `quantise`, so that a sample at full scale stays there
_DITHER = 1 << 16  # samples; it repeats after more than a second, and nobody hears it at one bit


def from_int16(waveform: Waveform) -> Samples:
    """Convert (samples,) int16 to float."""
    return waveform.astype(np.float32) / np.float32(FULL_SCALE)


def to_int16(samples: Samples, *, dither: bool) -> Waveform:
    """Round to (samples,) int16.

    The dither is triangular, of two bits, and from a fixed seed: rounding then leaves noise rather
    than distortion.
    """
    if dither:
        samples = samples + np.resize(_dither_noise(), len(samples))
    return quantise(samples)[0]


def power_to_db(power: float) -> float:
    """Return 10 · log10 of a power ratio; −inf for no power."""
    return float(10 * np.log10(power)) if power > 0 else float("-inf")


def db_to_amplitude(db: float) -> float:
    """Return the ratio of amplitudes for a level in dB."""
    return float(10 ** (db / 20))


@cache
def _dither_noise() -> Samples:
    uniform = np.random.Generator(np.random.PCG64(1)).random((2, _DITHER), np.float32)
    noise: Samples = (uniform[0] - uniform[1]) / np.float32(FULL_SCALE)
    return noise
