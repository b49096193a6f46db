"""Between int16 and float: (samples,) float32 mono, full scale ±1, is what every step takes and gives."""

from functools import cache

import numpy as np
import numpy.typing as npt

from seedcast.codec import Waveform, quantise

Samples = npt.NDArray[np.float32]  # (samples,)

FULL_SCALE = 32767.0  # as `quantise` has it, so that a sample at full scale stays there
_DITHER = 1 << 16  # samples; it repeats after more than a second, and nobody hears it at one bit


def from_int16(waveform: Waveform) -> Samples:
    return waveform.astype(np.float32) / np.float32(FULL_SCALE)


def to_int16(samples: Samples, *, dither: bool) -> Waveform:
    """Rounded; with triangular dither of two bits from a fixed seed, so that rounding leaves noise rather than distortion."""
    if dither:
        samples = samples + np.resize(_noise(), len(samples))
    return quantise(samples)[0]


def decibels(power: float) -> float:
    """10 · log10 of a power ratio; −inf for none."""
    return float(10 * np.log10(power)) if power > 0 else float("-inf")


def ratio(decibel: float) -> float:
    """Of amplitudes."""
    return float(10 ** (decibel / 20))


@cache
def _noise() -> Samples:
    uniform = np.random.Generator(np.random.PCG64(1)).random((2, _DITHER), np.float32)
    noise: Samples = (uniform[0] - uniform[1]) / np.float32(FULL_SCALE)
    return noise
