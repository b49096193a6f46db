"""Draws what the steps saw: the probability of speech, and the limiter's gain, over time."""

import numpy as np
from matplotlib.axes import Axes

from seedcast.stream_apps.audio import vad
from seedcast.stream_apps.audio.limiter import BLOCK
from seedcast.stream_apps.audio.loudness import LIMITING
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.inspect.decode import Clip
from seedcast.stream_apps.inspect.inspection import Inspection

INK, BEFORE, AFTER, CUT = "#22303c", "#8a97a6", "#1f77b4", "#d9534f"
SHOWN_GAIN = -LIMITING - 0.5  # dB, the lower end


def draw_speech(axis: Axes, inspection: Inspection) -> None:
    """Draw the probability of speech in each window of the waveform before."""
    threshold = inspection.profile.speech
    _frame(axis, f"probability of speech (from {threshold:g} on)")
    axis.set_ylim(0, 1.05)
    clip = inspection.before
    if clip is None or not len(clip.samples):
        _say(axis, "not kept" if clip is None else "empty")
        return
    axis.step(*_probabilities(clip), where="post", color=BEFORE, linewidth=1)
    axis.axhline(threshold, color=CUT, linewidth=0.8, linestyle="--")


def draw_limiter(axis: Axes, inspection: Inspection) -> None:
    """Draw the limiter's gain in dB over the waveform after."""
    _frame(axis, "gain of the limiter, dB")
    axis.set_ylim(SHOWN_GAIN, 0.5)
    rendered = inspection.rendered
    if rendered is None:
        _say(axis, "not known")
        return
    gains = rendered.processed.level.limiter_gains
    decibels = 20 * np.log10(gains) if gains is not None else np.zeros(0)
    if not len(decibels):
        is_off = isinstance(inspection.profile.true_peak, str)
        _say(axis, "off" if is_off else "nothing was over the ceiling")
        return
    times = rendered.processed.trimmed.lead + np.arange(len(decibels)) * BLOCK
    axis.plot(times, decibels, color=AFTER, linewidth=1)


def _probabilities(clip: Clip) -> tuple[list[float], list[float]]:
    """Return the seconds at which windows begin, and the probability of speech in each."""
    heard = list(vad.probabilities(resample(clip.samples, clip.rate, vad.RATE)))
    step = vad.WINDOW / vad.RATE
    return [window * step for window in range(len(heard))], heard


def _frame(axis: Axes, title: str) -> None:
    axis.set_title(title, loc="left", fontsize=9, color=INK)
    axis.tick_params(colors=INK, labelsize=8)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _say(axis: Axes, word: str) -> None:
    axis.text(0.5, 0.5, word, transform=axis.transAxes, ha="center", fontsize=9, color=INK)
