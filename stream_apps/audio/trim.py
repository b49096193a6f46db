"""Where speech begins and ends, and a cut there that leaves padding and fades.

The model is asked from the ends inward only: a clip of any length costs about as much as a second or two. It decides what is
speech; the energy of 5 ms frames near its answer decides where exactly, so that a fricative, a whisper or a released
consonant is kept, and a breath or a steady noise beside it is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stream_apps.audio import vad
from stream_apps.audio.resample import resample
from stream_apps.audio.samples import Samples, ratio

FIRST_LOOK = 1.0  # seconds from an end; doubled until speech is found
SURE = 2  # windows in a row over the threshold
WARM_UP = 6  # windows that the model may need after a start in mid-speech
HOP = 0.005  # seconds
REACH = 0.5  # seconds outside the model's edge in which speech may still begin
INSIDE = 0.16  # seconds inside it: the model fires early, and lets go late
CLOSURE = 0.09  # seconds of silence that a plosive may hold before its release
OVER_FLOOR = 6.0  # dB
UNDER_SPEECH = -38.0  # dB
FAR_UNDER = -32.0  # dB
ENOUGH = 12  # frames, to tell a floor by

Energies = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Edges:
    """Speech is in samples start … end − 1."""

    start: int
    end: int


@dataclass(frozen=True)
class Trimmed:
    """Seconds removed."""

    lead: float = 0.0
    tail: float = 0.0
    pauses: float = 0.0

    @property
    def seconds(self) -> float:
        return self.lead + self.tail + self.pauses


def find_speech(samples: Samples, rate: int, threshold: float = 0.5) -> Edges | None:
    """None where no two windows in a row are speech with at least the probability `threshold`."""
    if not samples.any():
        return None
    start = _first(samples, rate, threshold)
    if start is None:
        return None
    end = max(_last(samples, rate, threshold), start)
    return Edges(
        _onset(samples, rate, start), len(samples) - _onset(samples[::-1], rate, len(samples) - end)
    )


def cut(
    samples: Samples, rate: int, edges: Edges, padding: float, fade: float
) -> tuple[Samples, Trimmed]:
    """(kept,): the speech, `padding` seconds at each end where there is as much, and fades inside the padding alone."""
    margin = round(padding * rate)
    start, end = max(0, edges.start - margin), min(len(samples), edges.end + margin)
    kept = samples[start:end].copy()
    for part, room in ((kept, edges.start - start), (kept[::-1], end - edges.end)):
        length = min(round(fade * rate), room)
        part[:length] *= (
            np.sin(np.linspace(0, np.pi / 2, length, endpoint=False, dtype=np.float32)) ** 2
        )
    return kept, Trimmed(lead=start / rate, tail=(len(samples) - end) / rate)


def _first(samples: Samples, rate: int, threshold: float) -> int | None:
    for look in _looks(samples, rate):
        windows = vad.probabilities(resample(samples[:look], rate, vad.RATE))
        if (window := _sure(p >= threshold for p in windows)) is not None:
            return window * vad.WINDOW * rate // vad.RATE
    return None


def _last(samples: Samples, rate: int, threshold: float) -> int:
    """The model hears forward only: it begins some seconds before the end, from a fresh state."""
    for look in _looks(samples, rate):
        begin = len(samples) - look
        speech = [
            p >= threshold for p in vad.probabilities(resample(samples[begin:], rate, vad.RATE))
        ]
        window = _sure(reversed(speech))
        if window is not None and (len(speech) - window > WARM_UP or not begin):
            return min(len(samples), begin + (len(speech) - window) * vad.WINDOW * rate // vad.RATE)
    return 0


def _looks(samples: Samples, rate: int) -> Iterable[int]:
    """Samples to look at: a second's, twice as many, … all."""
    look = round(FIRST_LOOK * rate)
    while look < len(samples):
        yield look
        look *= 2
    yield len(samples)


def _sure(speech: Iterable[bool]) -> int | None:
    """Where the first run of SURE windows begins."""
    run = 0
    for window, heard in enumerate(speech):
        run = run + 1 if heard else 0
        if run == SURE:
            return window - SURE + 1
    return None


def _onset(samples: Samples, rate: int, coarse: int) -> int:
    """The first sample of speech, by energy, near where the model heard it begin. For an end: the same on the reversed clip."""
    hop = max(1, round(HOP * rate))
    begin = max(0, coarse - round(REACH * rate))
    near = samples[begin : coarse + round(2 * REACH * rate)]
    anchor, deepest = (coarse - begin) // hop, (coarse - begin + round(INSIDE * rate)) // hop
    heard = np.flatnonzero(
        _active(near, hop, anchor) | _active(np.diff(near, prepend=near[:1]), hop, anchor)
    )
    position = int(np.searchsorted(heard, anchor))
    if position == len(heard) or heard[position] > deepest:
        return coarse
    pauses = np.flatnonzero(np.diff(heard[: position + 1]) > round(CLOSURE / HOP))
    first = heard[pauses[-1] + 1] if len(pauses) else heard[0]
    return begin + int(first) * hop


def _active(samples: Samples, hop: int, anchor: int) -> npt.NDArray[np.bool_]:
    """(frames,): over the steady noise outside, and not far under the speech inside."""
    frames = len(samples) // hop
    energy: Energies = np.square(
        samples[: frames * hop].reshape(frames, hop), dtype=np.float64
    ).mean(axis=1)
    level = float(np.quantile(energy[anchor:], 0.8)) if anchor < frames else 0.0
    return energy > max(
        _floor(energy[:anchor], level) * ratio(OVER_FLOOR) ** 2,
        level * ratio(UNDER_SPEECH) ** 2,
        1e-10,
    )


def _floor(outside: Energies, level: float) -> float:
    """The steady noise before the model's edge. The last of it may be speech; where there is little else, only what is far under speech is noise."""
    sure = outside[: max(len(outside) - round(CLOSURE / HOP), 0)]
    if len(sure) >= ENOUGH:
        return float(np.quantile(sure, 0.3))
    floor = float(np.quantile(outside[:ENOUGH], 0.7)) if len(outside) >= ENOUGH else 0.0
    return floor if floor < level * ratio(FAR_UNDER) ** 2 else 0.0
