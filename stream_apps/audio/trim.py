"""Finds where speech begins and ends, and cuts there with padding and fades.

The model hears the clip from its ends inward, and only as much as it needs: a clip of any length
costs about as much as a second or two. The model decides what is speech. The energy of 5 ms frames
near its answer decides where exactly. So a fricative, a whisper or a released consonant is kept,
and a breath or a steady noise beside it is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seedcast.stream_apps.audio import vad
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.samples import Samples, db_to_amplitude

FIRST_LOOK = 1.0  # seconds from an end; doubled until speech is found
SURE = 2  # windows in a row over the threshold
WARM_UP = 6  # windows that the model may need if it starts in the middle of speech
HOP = 0.005  # seconds
REACH = 0.5  # seconds outside the model's edge in which speech may still begin
INSIDE = 0.16  # seconds inside the model's edge: the model begins early, and ends late
CLOSURE = 0.09  # seconds of silence that a plosive may hold before its release
OVER_FLOOR = 6.0  # dB
UNDER_SPEECH = -38.0  # dB
FAR_UNDER = -32.0  # dB
ENOUGH_FRAMES = 12  # to estimate a floor

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
    """Return where speech begins and ends in (samples,).

    Returns None if no two windows in a row are speech with a probability of at least `threshold`.
    """
    if not samples.any():
        return None
    start = _first_speech(samples, rate, threshold)
    if start is None:
        return None
    end = max(_last_speech(samples, rate, threshold), start)
    tail = _onset(samples[::-1], rate, len(samples) - end)
    return Edges(_onset(samples, rate, start), len(samples) - tail)


def cut(
    samples: Samples, rate: int, edges: Edges, padding: float, fade: float
) -> tuple[Samples, Trimmed]:
    """Return (kept,): the speech, and `padding` seconds at each end if there is as much.

    Fades of up to `fade` seconds are inside the padding only.
    """
    margin = round(padding * rate)
    start, end = max(0, edges.start - margin), min(len(samples), edges.end + margin)
    kept = samples[start:end].copy()
    for part, pad in ((kept, edges.start - start), (kept[::-1], end - edges.end)):
        length = min(round(fade * rate), pad)
        ramp = np.linspace(0, np.pi / 2, length, endpoint=False, dtype=np.float32)
        part[:length] *= np.sin(ramp) ** 2
    return kept, Trimmed(lead=start / rate, tail=(len(samples) - end) / rate)


def _first_speech(samples: Samples, rate: int, threshold: float) -> int | None:
    """Return the sample at which the model hears speech begin."""
    for look in _looks(samples, rate):
        probabilities = vad.probabilities(resample(samples[:look], rate, vad.RATE))
        window = _first_sure_window(p >= threshold for p in probabilities)
        if window is not None:
            return window * vad.WINDOW * rate // vad.RATE
    return None


def _last_speech(samples: Samples, rate: int, threshold: float) -> int:
    """Return the sample at which the model hears speech end.

    The model only works forward: it begins some seconds before the end, from a fresh state.
    """
    for look in _looks(samples, rate):
        begin = len(samples) - look
        probabilities = vad.probabilities(resample(samples[begin:], rate, vad.RATE))
        is_speech = [p >= threshold for p in probabilities]
        window = _first_sure_window(reversed(is_speech))
        if window is None:
            continue
        windows_heard = len(is_speech) - window
        if windows_heard > WARM_UP or not begin:
            return min(len(samples), begin + windows_heard * vad.WINDOW * rate // vad.RATE)
    return 0


def _looks(samples: Samples, rate: int) -> Iterable[int]:
    """Yield how many samples to look at: a second's, twice as many, … all."""
    look = round(FIRST_LOOK * rate)
    while look < len(samples):
        yield look
        look *= 2
    yield len(samples)


def _first_sure_window(is_speech: Iterable[bool]) -> int | None:
    """Return the window at which the first run of SURE windows with speech begins."""
    run = 0
    for window, heard in enumerate(is_speech):
        run = run + 1 if heard else 0
        if run == SURE:
            return window - SURE + 1
    return None


def _onset(samples: Samples, rate: int, coarse: int) -> int:
    """Return the first sample of speech, by energy, near `coarse`, where the model hears it begin.

    For an end, the caller gives the reversed clip.
    """
    hop = max(1, round(HOP * rate))
    begin = max(0, coarse - round(REACH * rate))
    near = samples[begin : coarse + round(2 * REACH * rate)]
    anchor, deepest = (coarse - begin) // hop, (coarse - begin + round(INSIDE * rate)) // hop
    differences = np.diff(near, prepend=near[:1])  # high frequencies, for fricatives
    active = np.flatnonzero(_active(near, hop, anchor) | _active(differences, hop, anchor))
    position = int(np.searchsorted(active, anchor))
    if position == len(active) or active[position] > deepest:
        return coarse
    pauses = np.flatnonzero(np.diff(active[: position + 1]) > round(CLOSURE / HOP))
    first = active[pauses[-1] + 1] if len(pauses) else active[0]
    return begin + int(first) * hop


def _active(samples: Samples, hop: int, anchor: int) -> npt.NDArray[np.bool_]:
    """Return (frames,): True if over the steady noise outside, and not far under the speech inside.

    Frames before `anchor` are outside.
    """
    frames = len(samples) // hop
    blocks = samples[: frames * hop].reshape(frames, hop)
    energy: Energies = np.square(blocks, dtype=np.float64).mean(axis=1)
    level = float(np.quantile(energy[anchor:], 0.8)) if anchor < frames else 0.0
    over_floor = _noise_floor(energy[:anchor], level) * db_to_amplitude(OVER_FLOOR) ** 2
    return energy > max(over_floor, level * db_to_amplitude(UNDER_SPEECH) ** 2, 1e-10)


def _noise_floor(outside: Energies, level: float) -> float:
    """Return the energy of the steady noise before the model's edge.

    The last frames before the edge may be speech. If there are few others, only what is far under
    the speech's level counts as noise.
    """
    surely_outside = outside[: max(len(outside) - round(CLOSURE / HOP), 0)]
    if len(surely_outside) >= ENOUGH_FRAMES:
        return float(np.quantile(surely_outside, 0.3))
    if len(outside) < ENOUGH_FRAMES:
        return 0.0
    floor = float(np.quantile(outside[:ENOUGH_FRAMES], 0.7))
    return floor if floor < level * db_to_amplitude(FAR_UNDER) ** 2 else 0.0
