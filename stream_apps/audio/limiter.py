"""A true-peak limiter with look-ahead, and a compressor for loud environments.

Neither loops over samples. Gains are computed for blocks of a millisecond, and interpolated between
the middles of the blocks. That is a fiftieth of the work, and as smooth.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.samples import Samples, db_to_amplitude

# From this rate on, four times oversampling is enough for true peaks (ITU-R BS.1770-4, annex 2).
# The spectrum of a lower rate is full to its edge, and needs eight times.
FOUR_TIMES_FROM = 24_000  # Hz
BLOCK = 0.001  # seconds
PART = 30_000  # blocks that are oversampled at once
MARGIN = 50  # blocks on both sides of a part that only the filter sees
LOOK_AHEAD = 15  # blocks before a peak, and after it, in which the gain falls and rises again
ENVELOPE = 50  # blocks over which the compressor measures a level
# The compressor's gain is 1 at THRESHOLD over the speech's mean. It grows down to QUIET under the
# mean, where the quiet syllables are, and is 1 again from NOISE under the mean on.
THRESHOLD, QUIET, NOISE = 6.0, 12.0, 30.0  # dB

Blocks = npt.NDArray[np.float64]  # (blocks,)
_WINDOW = np.hanning(2 * LOOK_AHEAD + 3)[1:-1] / np.hanning(2 * LOOK_AHEAD + 3).sum()


def block_size(rate: int) -> int:
    """Return the samples per block."""
    return max(1, round(BLOCK * rate))


def block_powers(values: npt.NDArray[np.floating[Any]], size: int) -> Blocks:
    """Return (blocks,) of (samples,): sums of squares, over `size`; the last block may be short."""
    whole = len(values) // size * size
    blocks, rest = values[:whole].reshape(-1, size), values[whole:]
    sums = np.einsum("ij,ij->i", blocks, blocks, dtype=np.float64)
    return np.append(sums, [np.dot(rest, rest)] if len(rest) else []) / size


def measure_peaks(samples: Samples, rate: int) -> Blocks:
    """Return (blocks,): the highest amplitude in each block, also between samples.

    Needs at least one sample. Works in parts, because ten minutes at 48 kHz would be half a
    gigabyte at four times the rate.
    """
    part = PART * block_size(rate)
    starts = range(0, len(samples), part)
    return np.concatenate(
        [_peaks_of_part(samples, rate, start, min(start + part, len(samples))) for start in starts]
    )


def _peaks_of_part(samples: Samples, rate: int, start: int, end: int) -> Blocks:
    """Return (blocks,) for samples start … end − 1; the filter also sees MARGIN blocks around."""
    size, times = block_size(rate), 4 if rate >= FOUR_TIMES_FROM else 8
    begin = max(0, start - MARGIN * size)
    with_margins = samples[begin : end + MARGIN * size]
    amplitudes = np.abs(resample(with_margins, rate, times * rate, "soxr_hq"))
    starts = np.arange(0, len(amplitudes), times * size)
    peaks = np.asarray(np.maximum.reduceat(amplitudes, starts), np.float64)
    return peaks[(start - begin) // size : -(-(end - begin) // size)]


def limiter_gains(peaks: Blocks, ceiling: float) -> Blocks:
    """Return (blocks,): the gains that keep `peaks` at or under `ceiling` (an amplitude)."""
    if peaks.max() <= ceiling:
        return np.ones(len(peaks))
    needed = ceiling / np.maximum(peaks, ceiling)
    held = ndimage.minimum_filter1d(needed, 2 * (LOOK_AHEAD + 1) + 1, mode="nearest")
    gains: Blocks = np.minimum(1.0, ndimage.convolve1d(held, _WINDOW, mode="nearest"))
    return gains


def apply_gains(samples: Samples, gains: Blocks, size: int) -> Samples:
    """Return (samples,) times the gains of blocks of `size` samples.

    Between the middles of two blocks, the gain is interpolated linearly.
    """
    middles = np.arange(len(gains)) * size + (size - 1) / 2
    gain_per_sample = np.interp(np.arange(len(samples)), middles, gains)
    product: Samples = samples * gain_per_sample.astype(np.float32)
    return product


@dataclass(frozen=True)
class Limited:
    samples: Samples
    gains: Blocks | None  # (blocks,); None if nothing was done
    peak: float  # true peak afterwards, an amplitude

    @property
    def lowest_gain(self) -> float:
        return 1.0 if self.gains is None else float(self.gains.min())


def limit(samples: Samples, rate: int, ceiling: float, peaks: Blocks) -> Limited:
    """Keep the true peak at or under `ceiling` (an amplitude).

    `peaks` is what `measure_peaks` returns for the samples.
    """
    if (highest := float(peaks.max())) <= ceiling:
        return Limited(samples, None, highest)
    gains = limiter_gains(peaks, ceiling)
    # A peak between two samples may get the gain of a neighbouring block, and is not measured
    # again: that would take as long as all other steps together.
    peak = float((peaks * ndimage.maximum_filter1d(gains, 3, mode="nearest")).max())
    if peak > ceiling:
        gains, peak = gains * (ceiling / peak), ceiling
    return Limited(apply_gains(samples, gains, block_size(rate)), gains, peak)


def compress(samples: Samples, rate: int, strength: float) -> Samples:
    """Bring the levels of quiet and loud syllables closer to each other.

    `strength` dB of input level become 1 dB, down to QUIET under the mean. What is NOISE under the
    mean is not lifted. Set the loudness after this step.
    """
    size = block_size(rate)
    power = block_powers(samples, size)
    if not power.any():
        return samples
    level = ndimage.uniform_filter1d(power, ENVELOPE, mode="nearest")
    threshold = power.mean() * db_to_amplitude(THRESHOLD) ** 2
    under = -10 * np.log10(np.maximum(level, 1e-12) / threshold)
    lift = np.interp(
        under,
        [-THRESHOLD - NOISE, THRESHOLD + QUIET, THRESHOLD + NOISE],
        [-THRESHOLD - NOISE, THRESHOLD + QUIET, 0.0],
    )
    smooth = ndimage.uniform_filter1d(lift, ENVELOPE, mode="nearest")
    return apply_gains(samples, 10 ** (smooth * (1 - 1 / strength) / 20), size)
