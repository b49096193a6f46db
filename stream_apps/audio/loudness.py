"""Loudness by ITU-R BS.1770-4, brought to a target under a true-peak ceiling (EBU R 128).

Single words, too short for the gates of BS.1770, are measured so that they sound as loud as a
sentence.

K-weighting is pyloudnorm's. The gates are our own, because the search for a gain applies them again
and again.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isfinite
from typing import Any

import numpy as np
import pyloudnorm
from scipy import signal

from seedcast.stream_apps.audio.limiter import (
    Blocks,
    Limited,
    block_powers,
    block_size,
    limit,
    limiter_gains,
    measure_peaks,
)
from seedcast.stream_apps.audio.samples import Samples, db_to_amplitude, power_to_db

GATE, STEP = 400, 100  # blocks of 1 ms: length and distance of BS.1770's gating blocks
OFFSET = -0.691  # LUFS of K-weighted power 1
ABSOLUTE, RELATIVE = -70.0, -10.0  # LUFS and LU, the two gates
# Blocks of 1 ms. Shorter speech has too few gating blocks, most of them partly silent: its loudness
# is its active level by ITU-T P.56, less ACTIVE. That is the level's mean distance from the
# integrated loudness in longer speech (184 recorded prompts of over 2 s in five languages, σ 0.4).
SHORT = 2000
FRAME = 20  # blocks of 1 ms of which a frame of the active level consists
MARGIN = 15.9  # dB under the active level, from which a frame is active
ACTIVE = 0.9  # dB
TOLERANCE = 0.1  # LU from the target
GUESSES = 12  # attempts to find the gain whose limited result has the target's loudness
GAIN = 40.0  # dB at most: a clip that needs more stays quiet, because it is only noise
LIMITING = 6.0  # dB at most: more would be heard; a clip that needs more stays under the target


@dataclass(frozen=True)
class Levelled:
    before: float  # LUFS
    gain: float  # dB, before the limiter
    limited: float  # dB, the limiter's greatest reduction; 0 or more
    loudness: float  # LUFS, afterwards
    true_peak: float  # dBTP, afterwards
    limiter_gains: Blocks | None = None  # (blocks of 1 ms,); None if nothing was limited


def measure_loudness(samples: Samples, rate: int) -> float:
    """Return the integrated loudness in LUFS; −inf for silence.

    Of speech of under SHORT blocks, this is its active level.
    """
    return _loudness(_weighted_power(samples, rate))


def level(
    samples: Samples, rate: int, target: float | None, ceiling: float | None
) -> tuple[Samples, Levelled]:
    """Return (samples,) at `target` LUFS with a true peak of at most `ceiling` dBTP.

    None switches a side off. Without a target, or for silence, only the limiter is at work. Where
    it would have to take more than LIMITING, the result is under the target. Needs at least one
    sample.
    """
    clip = _Clip.of(samples, rate)
    if target is None or not isfinite(clip.loudness):
        return _apply_gain(clip, 0.0, ceiling)
    wanted = min(target, clip.loudness + GAIN)
    gain = wanted - clip.loudness
    if ceiling is None or clip.true_peak + gain <= ceiling:
        return _apply_gain(clip, gain, ceiling)
    most = ceiling + LIMITING - clip.true_peak
    gain = _search_gain(clip, min(gain, most), wanted, most, db_to_amplitude(ceiling))
    return _apply_gain(clip, gain, ceiling)


@dataclass(frozen=True)
class _Clip:
    samples: Samples
    rate: int
    power: Blocks  # (blocks,), K-weighted
    peaks: Blocks  # (blocks,), amplitudes

    @classmethod
    def of(cls, samples: Samples, rate: int) -> "_Clip":
        power, peaks = _weighted_power(samples, rate), measure_peaks(samples, rate)
        return cls(samples, rate, power, peaks)

    @cached_property
    def loudness(self) -> float:
        """LUFS."""
        return _loudness(self.power)

    @cached_property
    def true_peak(self) -> float:
        """dBTP."""
        return power_to_db(float(self.peaks.max()) ** 2)


def _apply_gain(clip: _Clip, gain: float, ceiling: float | None) -> tuple[Samples, Levelled]:
    """Apply a gain in dB, then the limiter, and tell the result.

    The limiter's gain changes slowly, so K-weighting before it gives the loudness after it.
    """
    factor = db_to_amplitude(gain)
    louder = clip.samples * np.float32(factor) if gain else clip.samples
    limited = Limited(louder, None, float(clip.peaks.max() * factor))
    if ceiling is not None:
        limited = limit(louder, clip.rate, db_to_amplitude(ceiling), clip.peaks * factor)
    loudness = clip.loudness + gain
    if limited.gains is not None:
        loudness = _loudness(clip.power * (factor * limited.gains) ** 2)
    reduction = -power_to_db(limited.lowest_gain**2)
    peak = power_to_db(limited.peak**2)
    levelled = Levelled(clip.loudness, gain, reduction, loudness, peak, limited.gains)
    return limited.samples, levelled


def _search_gain(clip: _Clip, gain: float, wanted: float, most: float, ceiling: float) -> float:
    """Return the gain in dB, at most `most`, with which the limited clip has `wanted` LUFS.

    Each of the GUESSES needs no filter, only sums over blocks of a millisecond.
    """
    for _ in range(GUESSES):
        factor = db_to_amplitude(gain)
        limited = clip.power * (factor * limiter_gains(clip.peaks * factor, ceiling)) ** 2
        missed = wanted - _loudness(limited)
        if abs(missed) < TOLERANCE / 5 or (missed > 0 and gain >= most):
            break
        # 1.5, because the limiter takes a part of what is added; it takes all of it if the result
        # falls under the gate.
        gain = min(gain + 1.5 * missed, most)
    return gain


def _weighted_power(samples: Samples, rate: int) -> Blocks:
    """Return (blocks,): mean squares after K-weighting.

    The last block may be short, and then counts for less.
    """
    return block_powers(signal.sosfilt(weighting_filter(rate), samples), block_size(rate))


def _loudness(power: Blocks) -> float:
    """Return the loudness in LUFS of K-weighted power."""
    is_short = len(power) < SHORT
    return OFFSET + (_active_level(power) - ACTIVE if is_short else _gated_level(power))


def _gated_level(power: Blocks) -> float:
    """Return the mean level in dB of the blocks that pass both gates of BS.1770."""
    sums = np.concatenate([[0.0], np.cumsum(power)])
    gated = (sums[GATE::STEP] - sums[: len(sums) - GATE : STEP]) / GATE
    gated = gated[gated > 10 ** ((ABSOLUTE - OFFSET) / 10)]
    loud = gated[gated > gated.mean() * 10 ** (RELATIVE / 10)] if len(gated) else gated
    return power_to_db(float(loud.mean())) if len(loud) else float("-inf")


def _active_level(power: Blocks) -> float:
    """Return the mean level in dB of the frames that are at most MARGIN under it."""
    frames = power[: max(len(power) // FRAME, 1) * FRAME]
    frames = frames.reshape(-1, min(FRAME, len(frames))).mean(axis=1)
    active, level = len(frames) + 1, float(frames.max())
    while len(loud := frames[frames >= level * 10 ** (-MARGIN / 10)]) != active:
        active, level = len(loud), float(loud.mean())
    return power_to_db(level) if level > 10 ** ((ABSOLUTE - OFFSET) / 10) else float("-inf")


@lru_cache(16)
def weighting_filter(rate: int) -> Any:
    """Return K-weighting as second-order sections."""
    stages = (
        pyloudnorm.IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, rate, "high_shelf"),
        pyloudnorm.IIRfilter(0.0, 0.5, 38.0, rate, "high_pass"),
    )
    return np.array([np.concatenate([stage.b, stage.a]) for stage in stages])
