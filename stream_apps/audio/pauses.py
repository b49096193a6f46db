"""Shortens long pauses inside an utterance, for profiles that ask for it."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from seedcast.stream_apps.audio import vad
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.samples import Samples

JOIN = 0.01  # seconds of cross-fade at each shortened pause


def shorten_pauses(
    samples: Samples, rate: int, longest: float, threshold: float = 0.5
) -> tuple[Samples, float]:
    """Remove the middle of each pause of more than `longest` seconds.

    Returns (kept,) and the seconds removed. The model hears the whole clip.
    """
    kept, begin, join = [], 0, round(JOIN * rate)
    for (_, end), (start, _) in pairwise(_speech_bounds(samples, rate, threshold)):
        excess = (start - end) - round(longest * rate) - join
        if excess > 0:
            middle = (start + end - excess) // 2
            kept.append((begin, middle))
            begin = middle + excess
    joined = _join(samples, [*kept, (begin, len(samples))], join)
    return joined, (len(samples) - len(joined)) / rate


def _speech_bounds(samples: Samples, rate: int, threshold: float) -> npt.NDArray[np.int64]:
    """Return (runs, 2): the samples at which each run of speech begins and ends."""
    probabilities = vad.probabilities(resample(samples, rate, vad.RATE))
    is_speech = np.fromiter(probabilities, float) >= threshold
    changes = np.diff(np.concatenate(([False], is_speech, [False])).astype(np.int8))
    windows = np.flatnonzero(changes).reshape(-1, 2)
    return windows * vad.WINDOW * rate // vad.RATE


def _join(samples: Samples, parts: list[tuple[int, int]], join: int) -> Samples:
    """Join parts of a clip; each is cross-faded into the next over `join` samples."""
    rise = np.linspace(0, 1, join, endpoint=False, dtype=np.float32)
    joined = samples[slice(*parts[0])].copy()
    for start, end in parts[1:]:
        following = samples[start:end].copy()
        following[:join] = following[:join] * rise + joined[len(joined) - join :] * (1 - rise)
        joined = np.concatenate([joined[: len(joined) - join], following])
    return joined
