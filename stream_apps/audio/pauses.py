"""Long pauses inside an utterance, made shorter where a profile asks for it."""

from itertools import pairwise

import numpy as np

from stream_apps.audio import vad
from stream_apps.audio.resample import resample
from stream_apps.audio.samples import Samples

JOIN = 0.01  # seconds of cross-fade where a pause was shortened


def shorten_pauses(
    samples: Samples, rate: int, longest: float, threshold: float = 0.5
) -> tuple[Samples, float]:
    """Takes the middle out of pauses of more than `longest` seconds. Asks the model for all of it. Returns (kept,) and the seconds removed."""
    speech = np.fromiter(vad.probabilities(resample(samples, rate, vad.RATE)), float) >= threshold
    bounds = (
        np.flatnonzero(np.diff(np.concatenate(([False], speech, [False])).astype(np.int8))).reshape(
            -1, 2
        )
        * vad.WINDOW
        * rate
        // vad.RATE
    )
    kept, at, join = [], 0, round(JOIN * rate)
    for (_, end), (start, _) in pairwise(bounds):
        spare = (start - end) - round(longest * rate) - join
        if spare > 0:
            middle = (start + end - spare) // 2
            kept.append((at, middle))
            at = middle + spare
    joined = _joined(samples, [*kept, (at, len(samples))], join)
    return joined, (len(samples) - len(joined)) / rate


def _joined(samples: Samples, parts: list[tuple[int, int]], join: int) -> Samples:
    """The parts, each faded over into the next within `join` samples."""
    rise = np.linspace(0, 1, join, endpoint=False, dtype=np.float32)
    made = samples[slice(*parts[0])].copy()
    for start, end in parts[1:]:
        following = samples[start:end].copy()
        following[:join] = following[:join] * rise + made[len(made) - join :] * (1 - rise)
        made = np.concatenate([made[: len(made) - join], following])
    return made
