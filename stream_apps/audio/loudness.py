"""Loudness by ITU-R BS.1770-4, brought to a target under a true-peak ceiling (EBU R 128).

K-weighting is pyloudnorm's; the gates are here, because the search for a gain asks for them again and again.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np
import pyloudnorm
from scipy import signal

from stream_apps.audio.limiter import Blocks, Limited, block, blocks, gains, limit, peaks
from stream_apps.audio.samples import Samples, decibels, ratio

GATE, STEP = (
    400,
    100,
)  # blocks of a millisecond: a gating block of BS.1770, and from one to the next
OFFSET = -0.691  # LUFS of K-weighted power 1
ABSOLUTE, RELATIVE = -70.0, -10.0  # LUFS and LU, the two gates
NEAR = 0.1  # LU from the target that is near enough
GUESSES = 12  # of the gain whose limited result has the target's loudness
GAIN = 40.0  # dB at most: what is quieter is left quiet, since it is noise by then
MAKE_UP = 12.0  # dB at most over the gain to the target, for what the limiter takes; with more, it would be a square wave


@dataclass(frozen=True)
class Levelled:
    before: float  # LUFS
    gain: float  # dB, before the limiter
    limited: float  # dB that the limiter took at its deepest; 0 or more
    loudness: float  # LUFS, afterwards
    true_peak: float  # dBTP, afterwards


def measure(samples: Samples, rate: int) -> float:
    """Integrated loudness in LUFS; −inf for silence. A clip of under 0.4 s has no gating block: its own mean, ungated."""
    return _integrated(_weighted(samples, rate))


def level(
    samples: Samples, rate: int, target: float | None, ceiling: float | None
) -> tuple[Samples, Levelled]:
    """(samples,) at `target` LUFS with a true peak of at most `ceiling` dBTP; None leaves that side alone. At least one sample.

    Without a target, or without a loudness to begin with, it only limits.
    """
    power, of = _weighted(samples, rate), peaks(samples, rate)
    before = _integrated(power)
    if target is None or not isfinite(before):
        return _levelled(samples, rate, 0.0, before, ceiling, of)
    wanted = min(target, before + GAIN)
    gain = wanted - before
    most = gain + MAKE_UP
    if ceiling is not None and of.max() * ratio(gain) > ratio(ceiling):
        gain = _guess(power, of, gain, wanted, ratio(ceiling))
    made = _levelled(samples, rate, gain, before, ceiling, of)
    missed = wanted - made[1].loudness
    return (
        _levelled(samples, rate, min(gain + missed, most), before, ceiling, of)
        if NEAR < abs(missed) < GAIN
        else made
    )


def _levelled(
    samples: Samples, rate: int, gain: float, before: float, ceiling: float | None, of: Blocks
) -> tuple[Samples, Levelled]:
    by = ratio(gain)
    louder = samples * np.float32(by) if gain else samples
    made = (
        Limited(louder, 1.0, float(of.max() * by))
        if ceiling is None
        else limit(louder, rate, ratio(ceiling), of * by)
    )
    loudness = before + gain if made.samples is louder else measure(made.samples, rate)
    return made.samples, Levelled(
        before, gain, -decibels(made.lowest**2), loudness, decibels(made.peak**2)
    )


def _guess(power: Blocks, of: Blocks, gain: float, wanted: float, ceiling: float) -> float:
    """The gain in dB after whose limiting the clip has `wanted` LUFS, or as near as MAKE_UP comes.

    A gain that changes as slowly as the limiter's may be taken after K-weighting as well as before it, so a guess costs no
    filter: only sums over blocks of a millisecond.
    """
    most = gain + MAKE_UP
    for _ in range(GUESSES):
        missed = wanted - _integrated(power * (ratio(gain) * gains(of * ratio(gain), ceiling)) ** 2)
        if abs(missed) < NEAR / 5:
            break
        gain = min(
            gain + 1.5 * missed, most
        )  # the limiter takes a part of what is added; all of it where that falls under the gate
    return gain


def _weighted(samples: Samples, rate: int) -> Blocks:
    """(blocks,): mean squares after K-weighting; the last block may be short, and then counts for less."""
    return blocks(
        np.square(signal.sosfilt(_weighting(rate), samples)), block(rate), np.add
    ) / block(rate)


def _integrated(power: Blocks) -> float:
    """LUFS of K-weighted power."""
    if len(power) < GATE:
        return OFFSET + decibels(float(power.mean()))
    sums = np.concatenate([[0.0], np.cumsum(power)])
    gated = (sums[GATE::STEP] - sums[: len(sums) - GATE : STEP]) / GATE
    gated = gated[gated > 10 ** ((ABSOLUTE - OFFSET) / 10)]
    loud = gated[gated > gated.mean() * 10 ** (RELATIVE / 10)] if len(gated) else gated
    return OFFSET + decibels(float(loud.mean())) if len(loud) else float("-inf")


@lru_cache(16)
def _weighting(rate: int) -> Any:
    """K-weighting as second-order sections."""
    stages = (
        pyloudnorm.IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, rate, "high_shelf"),
        pyloudnorm.IIRfilter(0.0, 0.5, 38.0, rate, "high_pass"),
    )
    return np.array([np.concatenate([stage.b, stage.a]) for stage in stages])
