"""A true-peak limiter that looks ahead, and a compressor for loud places; neither loops over samples.

Gains are worked out for blocks of a millisecond, and drawn through their middles: a fiftieth of the work, and as smooth.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from stream_apps.audio.resample import resample
from stream_apps.audio.samples import Samples, ratio

WIDE = 24_000  # Hz from which four times is enough (ITU-R BS.1770-4, annex 2); a narrower band is full to its edge, and takes eight
BLOCK = 0.001  # seconds
PART, MARGIN = (
    30_000,
    50,
)  # blocks that are oversampled at once, and those on both sides that only the filter hears
LOOK_AHEAD = 15  # blocks before a peak, and after it, in which the gain goes down and comes back
ENVELOPE = 50  # blocks over which the compressor hears a level
THRESHOLD = 6.0  # dB over the speech's mean, where the compressor's gain is 1; it grows to where the quiet syllables are,
QUIET, NOISE = 12.0, 30.0  # dB under the mean, and is 1 again where what is left is noise

Blocks = npt.NDArray[np.float64]  # (blocks,)
_WINDOW = np.hanning(2 * LOOK_AHEAD + 3)[1:-1] / np.hanning(2 * LOOK_AHEAD + 3).sum()


def block(rate: int) -> int:
    """Samples of one."""
    return max(1, round(BLOCK * rate))


def blocks(values: npt.NDArray[np.floating[Any]], size: int, reduce: np.ufunc) -> Blocks:
    """(samples,) to (blocks,): the sum or the highest of each; the last block may be short."""
    return np.asarray(reduce.reduceat(values, np.arange(0, len(values), size)), np.float64)


def peaks(samples: Samples, rate: int) -> Blocks:
    """(blocks,): the highest amplitude in each, between samples, too. At least one sample.

    Part by part: ten minutes at 48 kHz would be half a gigabyte at four times the rate.
    """
    part = PART * block(rate)
    return np.concatenate(
        [
            _peaks(samples, rate, start, min(start + part, len(samples)))
            for start in range(0, len(samples), part)
        ]
    )


def _peaks(samples: Samples, rate: int, start: int, end: int) -> Blocks:
    """(blocks,): of samples start … end − 1; the filter hears MARGIN blocks more at both sides."""
    size, times = block(rate), 4 if rate >= WIDE else 8
    begin = max(0, start - MARGIN * size)
    found = blocks(
        np.abs(resample(samples[begin : end + MARGIN * size], rate, times * rate, "soxr_hq")),
        times * size,
        np.maximum,
    )
    return found[(start - begin) // size : -(-(end - begin) // size)]


def true_peak(samples: Samples, rate: int) -> float:
    """An amplitude."""
    return float(peaks(samples, rate).max())


def gains(of: Blocks, ceiling: float) -> Blocks:
    """(blocks,): what keeps peaks at or under `ceiling` (an amplitude)."""
    if of.max() <= ceiling:
        return np.ones(len(of))
    held = ndimage.minimum_filter1d(
        ceiling / np.maximum(of, ceiling), 2 * (LOOK_AHEAD + 1) + 1, mode="nearest"
    )
    lowered: Blocks = np.minimum(1.0, ndimage.convolve1d(held, _WINDOW, mode="nearest"))
    return lowered


def apply(samples: Samples, gain: Blocks, size: int) -> Samples:
    """(samples,), each times the gain of its block; between the blocks' middles in a straight line."""
    middles = np.arange(len(gain)) * size + (size - 1) / 2
    made: Samples = samples * np.interp(np.arange(len(samples)), middles, gain).astype(np.float32)
    return made


@dataclass(frozen=True)
class Limited:
    samples: Samples
    lowest: float  # gain, 1 where nothing was done
    peak: float  # true peak afterwards, an amplitude


def limit(samples: Samples, rate: int, ceiling: float, of: Blocks) -> Limited:
    """Keeps the true peak at or under `ceiling` (an amplitude); `of` is what `peaks` says of the samples."""
    if (highest := float(of.max())) <= ceiling:
        return Limited(samples, 1.0, highest)
    gain = gains(of, ceiling)
    made = apply(samples, gain, block(rate))
    after = true_peak(made, rate)
    if after > ceiling:  # a changing gain moves peaks between samples by a hundredth of a decibel
        made, after = made * np.float32(ceiling / after), ceiling
    return Limited(made, float(gain.min()), after)


def compress(samples: Samples, rate: int, strength: float) -> Samples:
    """Brings quiet and loud syllables nearer to each other: `strength` dB of input level become 1 dB, down to QUIET under the mean.

    What lies NOISE under it is not lifted. Loudness is set after it.
    """
    size = block(rate)
    power = blocks(np.square(samples, dtype=np.float64), size, np.add) / size
    if not power.any():
        return samples
    level = ndimage.uniform_filter1d(power, ENVELOPE, mode="nearest")
    under = -10 * np.log10(np.maximum(level, 1e-12) / (power.mean() * ratio(THRESHOLD) ** 2))
    lift = np.interp(
        under,
        [-THRESHOLD - NOISE, THRESHOLD + QUIET, THRESHOLD + NOISE],
        [-THRESHOLD - NOISE, THRESHOLD + QUIET, 0.0],
    )
    smooth = ndimage.uniform_filter1d(lift, ENVELOPE, mode="nearest")
    return apply(samples, 10 ** (smooth * (1 - 1 / strength) / 20), size)
