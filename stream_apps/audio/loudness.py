"""Loudness by ITU-R BS.1770-4, brought to a target under a true-peak ceiling (EBU R 128).

K-weighting is pyloudnorm's. The gates are our own, because the search for a gain applies them again
and again.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np
import pyloudnorm
from scipy import signal

from seedcast.stream_apps.audio.limiter import (
    Blocks,
    Limited,
    block_size,
    limit,
    limiter_gains,
    measure_peaks,
    reduce_blocks,
)
from seedcast.stream_apps.audio.samples import Samples, db_to_amplitude, power_to_db

GATE, STEP = 400, 100  # blocks of 1 ms: length and distance of BS.1770's gating blocks
OFFSET = -0.691  # LUFS of K-weighted power 1
ABSOLUTE, RELATIVE = -70.0, -10.0  # LUFS and LU, the two gates
TOLERANCE = 0.1  # LU from the target
GUESSES = 12  # attempts to find the gain whose limited result has the target's loudness
GAIN = 40.0  # dB at most: a clip that needs more stays quiet, because it is only noise
# dB at most over the gain to the target, to make up for what the limiter takes. With more, the
# result would be a square wave.
MAKE_UP = 12.0


@dataclass(frozen=True)
class Levelled:
    before: float  # LUFS
    gain: float  # dB, before the limiter
    limited: float  # dB, the limiter's greatest reduction; 0 or more
    loudness: float  # LUFS, afterwards
    true_peak: float  # dBTP, afterwards


def measure_loudness(samples: Samples, rate: int) -> float:
    """Return the integrated loudness in LUFS; −inf for silence.

    A clip of under 0.4 s has no gating block: the result is then its ungated mean.
    """
    return _integrated_loudness(_weighted_power(samples, rate))


def level(
    samples: Samples, rate: int, target: float | None, ceiling: float | None
) -> tuple[Samples, Levelled]:
    """Return (samples,) at `target` LUFS with a true peak of at most `ceiling` dBTP.

    None switches a side off. Without a target, or for silence, only the limiter is at work. Needs
    at least one sample.
    """
    power, peaks = _weighted_power(samples, rate), measure_peaks(samples, rate)
    before = _integrated_loudness(power)
    if target is None or not isfinite(before):
        return _apply_gain(samples, rate, 0.0, before, ceiling, peaks)
    wanted = min(target, before + GAIN)
    gain = wanted - before
    most = gain + MAKE_UP
    if ceiling is not None and peaks.max() * db_to_amplitude(gain) > db_to_amplitude(ceiling):
        gain = _search_gain(power, peaks, gain, wanted, db_to_amplitude(ceiling))
    result = _apply_gain(samples, rate, gain, before, ceiling, peaks)
    missed = wanted - result[1].loudness
    if not TOLERANCE < abs(missed) < GAIN:
        return result
    return _apply_gain(samples, rate, min(gain + missed, most), before, ceiling, peaks)


def _apply_gain(
    samples: Samples, rate: int, gain: float, before: float, ceiling: float | None, peaks: Blocks
) -> tuple[Samples, Levelled]:
    """Apply a gain in dB, then the limiter, and measure the result."""
    factor = db_to_amplitude(gain)
    louder = samples * np.float32(factor) if gain else samples
    limited = Limited(louder, 1.0, float(peaks.max() * factor))
    if ceiling is not None:
        limited = limit(louder, rate, db_to_amplitude(ceiling), peaks * factor)
    is_unlimited = limited.samples is louder
    loudness = before + gain if is_unlimited else measure_loudness(limited.samples, rate)
    reduction = -power_to_db(limited.lowest_gain**2)
    levelled = Levelled(before, gain, reduction, loudness, power_to_db(limited.peak**2))
    return limited.samples, levelled


def _search_gain(power: Blocks, peaks: Blocks, gain: float, wanted: float, ceiling: float) -> float:
    """Return the gain in dB with which the limited clip has `wanted` LUFS, at most MAKE_UP more.

    The limiter's gain changes slowly, so it may be applied after the K-weighting instead of
    before it. So each of the GUESSES needs no filter, only sums over blocks of a millisecond.
    """
    most = gain + MAKE_UP
    for _ in range(GUESSES):
        factor = db_to_amplitude(gain)
        limited = power * (factor * limiter_gains(peaks * factor, ceiling)) ** 2
        missed = wanted - _integrated_loudness(limited)
        if abs(missed) < TOLERANCE / 5:
            break
        # 1.5, because the limiter takes a part of what is added; it takes all of it if the result
        # falls under the gate.
        gain = min(gain + 1.5 * missed, most)
    return gain


def _weighted_power(samples: Samples, rate: int) -> Blocks:
    """Return (blocks,): mean squares after K-weighting.

    The last block may be short, and then counts for less.
    """
    weighted = signal.sosfilt(_weighting_filter(rate), samples)
    return reduce_blocks(np.square(weighted), block_size(rate), np.add) / block_size(rate)


def _integrated_loudness(power: Blocks) -> float:
    """Return the loudness in LUFS of K-weighted power."""
    if len(power) < GATE:
        return OFFSET + power_to_db(float(power.mean()))
    sums = np.concatenate([[0.0], np.cumsum(power)])
    gated = (sums[GATE::STEP] - sums[: len(sums) - GATE : STEP]) / GATE
    gated = gated[gated > 10 ** ((ABSOLUTE - OFFSET) / 10)]
    loud = gated[gated > gated.mean() * 10 ** (RELATIVE / 10)] if len(gated) else gated
    return OFFSET + power_to_db(float(loud.mean())) if len(loud) else float("-inf")


@lru_cache(16)
def _weighting_filter(rate: int) -> Any:
    """Return K-weighting as second-order sections."""
    stages = (
        pyloudnorm.IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, rate, "high_shelf"),
        pyloudnorm.IIRfilter(0.0, 0.5, 38.0, rate, "high_pass"),
    )
    return np.array([np.concatenate([stage.b, stage.a]) for stage in stages])
