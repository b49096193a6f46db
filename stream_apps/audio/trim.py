"""Finds where speech begins and ends, and cuts there with padding and fades.

In a clean clip, as every synthesis makes it, only silence and faint noise are cut: what is not far
under the speech stays, be it laughter, a breath or a single fricative, which no model takes for
speech.

In a noisy clip the model of `vad` decides what is speech. It hears the clip from its ends inward,
and only as much as it needs. The energy of 5 ms frames near its answer decides where exactly. So a
fricative, a whisper or a released consonant is kept, and a steady noise beside it is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

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
OVER_NOISE = 5.0  # dB from a clean clip's noise, below which is no sound
NO_NOISE = -26.0  # dB; what is nearer to the speech's level is no noise of a clean clip
FAR_UNDER = -32.0  # dB
NEAR_SPEECH = -6.0  # dB; what is so near to the speech's level is no noise floor, but speech
STEADY = 3.0  # dB that noise of one level varies by, from frame to frame
ENOUGH_FRAMES = 12  # to estimate a floor
SOUND = 0.03  # seconds; what is shorter is a click
HARD_END = 0.004  # seconds of fade where a clip begins or ends within the padding

Energies = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Edges:
    """Speech is in samples start … end − 1."""

    start: int
    end: int


@dataclass(frozen=True)
class Trimmed:
    """Seconds removed; negative where silence was added."""

    lead: float = 0.0
    tail: float = 0.0
    pauses: float = 0.0

    @property
    def seconds(self) -> float:
        return self.lead + self.tail + self.pauses


def find_speech(
    samples: Samples,
    rate: int,
    threshold: float = 0.5,
    *,
    is_clean: bool = False,
    snr: float = inf,
) -> Edges | None:
    """Return where speech begins and ends in (samples,).

    `is_clean` says that noise is far under the speech, by `snr` dB if that is known: every sound
    over it is then taken for speech. Otherwise, returns None if no two windows in a row are speech
    with a probability of at least `threshold`.
    """
    if not samples.any():
        return None
    if is_clean:
        return _sound(samples, rate, snr)
    start = _first_speech(samples, rate, threshold)
    if start is None:
        return None
    end = max(_last_speech(samples, rate, threshold), start)
    tail = _onset(samples[::-1], rate, len(samples) - end)
    return Edges(_onset(samples, rate, start), len(samples) - tail)


def cut(
    samples: Samples, rate: int, edges: Edges, padding: float, fade: float
) -> tuple[Samples, Trimmed]:
    """Return (kept,): the speech with `padding` seconds at each end.

    Where the clip has less than that, silence is added. Fades of up to `fade` seconds are inside
    the padding. Only a clip that begins or ends within the speech's first or last HARD_END seconds
    has a fade of that length there, so that it does not click.
    """
    margin = round(padding * rate)
    start, end = max(0, edges.start - margin), min(len(samples), edges.end + margin)
    kept = samples[start:end].copy()
    lead, tail = edges.start - start, end - edges.end
    for part, available in ((kept, lead), (kept[::-1], tail)):
        wanted = min(round(fade * rate), available)
        if margin and available < margin:
            wanted = max(wanted, round(HARD_END * rate))
        length = min(wanted, len(part))
        ramp = np.linspace(0, np.pi / 2, length, endpoint=False, dtype=np.float32)
        part[:length] *= np.sin(ramp) ** 2
    padded = np.pad(kept, (margin - lead, margin - tail))
    return padded, Trimmed(
        lead=(edges.start - margin) / rate, tail=(len(samples) - edges.end - margin) / rate
    )


def _sound(samples: Samples, rate: int, snr: float) -> Edges | None:
    """Return where the first sound begins and the last one ends; None if there is none.

    A sound is what is over UNDER_SPEECH, and over the noise, for SOUND seconds. The speech's level
    is that of the loudest tenth of what sounds.
    """
    hop = max(1, round(HOP * rate))
    energy = _energies(np.pad(samples, (0, -len(samples) % hop)), hop)
    audible = energy[energy > 1e-10]
    if not len(audible):
        return None
    level = float(np.quantile(audible, 0.9))
    faint = min(max(OVER_NOISE - snr, UNDER_SPEECH), NO_NOISE)
    active = energy > level * db_to_amplitude(faint) ** 2
    changes = np.flatnonzero(np.diff(np.concatenate(([False], active, [False])).astype(np.int8)))
    runs = changes.reshape(-1, 2)
    long = runs[runs[:, 1] - runs[:, 0] >= round(SOUND / HOP)]
    if not len(long):
        return None
    return Edges(int(long[0, 0]) * hop, min(len(samples), int(long[-1, 1]) * hop))


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
    energy = _energies(samples, hop)
    inside = energy[anchor:] if anchor < len(energy) else np.zeros(1)
    level, quietest = float(np.quantile(inside, 0.8)), float(np.quantile(inside, 0.1))
    over_floor = _noise_floor(energy[:anchor], level, quietest) * db_to_amplitude(OVER_FLOOR) ** 2
    return energy > max(over_floor, level * db_to_amplitude(UNDER_SPEECH) ** 2, 1e-10)


def _energies(samples: Samples, hop: int) -> Energies:
    """Return (frames,): mean squares; what does not fill a frame at the end is left out."""
    frames = len(samples) // hop
    blocks = samples[: frames * hop].reshape(frames, hop)
    return np.asarray(np.square(blocks, dtype=np.float64).mean(axis=1))


def _noise_floor(outside: Energies, level: float, quietest: float) -> float:
    """Return the energy of the steady noise before the model's edge.

    The last frames before the edge may be speech. If there are few others, only what is far under
    the speech's level counts as noise. What is near that level is speech itself, unless the speech
    has no `quietest` moment under it: then it is noise, which goes on in the speech.
    """
    surely_outside = outside[: max(len(outside) - round(CLOSURE / HOP), 0)]
    if len(surely_outside) >= ENOUGH_FRAMES:
        floor, highest = float(np.quantile(surely_outside, 0.3)), NEAR_SPEECH
        if quietest > floor * db_to_amplitude(-STEADY) ** 2:
            return floor
    elif len(outside) >= ENOUGH_FRAMES:
        floor, highest = float(np.quantile(outside[:ENOUGH_FRAMES], 0.7)), FAR_UNDER
    else:
        return 0.0
    return floor if floor < level * db_to_amplitude(highest) ** 2 else 0.0
