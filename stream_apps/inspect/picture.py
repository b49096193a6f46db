"""A waveform and its spectrogram, before and after, on one axis of time."""

from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from stream_apps.inspect.inspection import Clip, Inspection, steps

INK, BEFORE, AFTER, CUT = "#22303c", "#8a97a6", "#1f77b4", "#d9534f"
COLUMNS = 1600  # of a waveform: the lowest and the highest sample of each are drawn
WINDOW = 0.025  # seconds of one spectrum
RANGE = 80.0  # dB shown under the loudest


def draw(found: Inspection) -> Figure:
    """For 110 dots an inch. A clip without samples is an empty place."""
    figure = Figure(
        figsize=(15, 9), facecolor="white", layout=ConstrainedLayoutEngine(h_pad=0.03, hspace=0.01)
    )
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(4, 2, width_ratios=(3.2, 1), height_ratios=(1, 1.5, 1, 1.5))
    lead = found.made.processed.trimmed.lead if found.made else 0.0
    seconds = max(
        (
            clip.seconds + shift
            for clip, shift in ((found.before, 0.0), (found.after, lead))
            if clip
        ),
        default=0.0,
    )
    whole = found.before or found.after
    highest = whole.rate / 2 if whole else 1.0  # the chain makes nothing over what it was given
    waves = []
    for row, (clip, name, colour, shift) in enumerate(
        ((found.before, "before", BEFORE, 0.0), (found.after, "after", AFTER, lead))
    ):
        wave, spectrum = (
            figure.add_subplot(grid[2 * row, 0]),
            figure.add_subplot(grid[2 * row + 1, 0]),
        )
        _waveform(wave, clip, name, colour, shift)
        _spectrogram(figure, spectrum, clip, shift, highest)
        wave.set_xlim(0, seconds or 1.0)
        spectrum.set_xlim(0, seconds or 1.0)
        waves.append(wave)
    spectrum.set_xlabel("seconds of the waveform as synthesised", color=INK)
    _cuts(waves[0], found)
    _ceiling(waves[1], found)
    _figures(figure.add_subplot(grid[:, 1]), found)
    figure.suptitle(
        f"{found.name}  ·  {found.profile.name}",
        x=0.01,
        ha="left",
        fontsize=15,
        color=INK,
        fontweight="bold",
    )
    return figure


def _waveform(axis: Axes, clip: Clip | None, name: str, colour: str, shift: float) -> None:
    axis.set_ylim(-1.05, 1.05)
    axis.set_ylabel(name, fontsize=13, color=INK)
    axis.tick_params(labelbottom=False, colors=INK)
    axis.axhline(0, color=INK, linewidth=0.4)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    if clip is None or not len(clip.samples):
        axis.text(
            0.5,
            0.5,
            "empty" if clip else "not kept",
            transform=axis.transAxes,
            ha="center",
            color=INK,
        )
        return
    edges = np.linspace(
        0, len(clip.samples), min(COLUMNS, len(clip.samples)), endpoint=False
    ).astype(int)
    low, high = np.minimum.reduceat(clip.samples, edges), np.maximum.reduceat(clip.samples, edges)
    axis.fill_between(
        shift + edges / clip.rate, low, high, color=colour, linewidth=0.3, edgecolor=colour
    )


def _spectrogram(
    figure: Figure, axis: Axes, clip: Clip | None, shift: float, highest: float
) -> None:
    axis.set_ylim(0, highest / 1000)
    axis.set_ylabel("kHz", color=INK)
    axis.set_facecolor("black")
    axis.tick_params(colors=INK)
    if clip is None or not len(clip.samples):
        return
    size = min(len(clip.samples), round(WINDOW * clip.rate))
    hop = max(size // 4, len(clip.samples) // (2 * COLUMNS), 1)
    frames = np.lib.stride_tricks.sliding_window_view(clip.samples, size)[::hop] * np.hanning(size)
    power = 20 * np.log10(
        np.abs(np.fft.rfft(frames, axis=1)).T / (size / 4) + 1e-9
    )  # dB; a sine at full scale is 0
    extent = (shift, shift + clip.seconds, 0, clip.rate / 2000)
    image: Any = axis.imshow(
        power,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap="magma",
        vmin=-20 - RANGE,
        vmax=-20,
        interpolation="bilinear",
    )
    figure.colorbar(image, ax=axis, pad=0.01, fraction=0.03, label="dBFS")


def _cuts(axis: Axes, found: Inspection) -> None:
    """What the trim took away, in red."""
    if not (found.before and found.made):
        return
    trimmed = found.made.processed.trimmed
    for start, end in (
        (0, trimmed.lead),
        (found.before.seconds - trimmed.tail, found.before.seconds),
    ):
        if end > start:
            axis.axvspan(start, end, color=CUT, alpha=0.18, linewidth=0)
            axis.text(
                (start + end) / 2,
                0.86,
                f"{(end - start) * 1000:.0f} ms",
                ha="center",
                fontsize=8,
                color=CUT,
            )


def _ceiling(axis: Axes, found: Inspection) -> None:
    if isinstance(found.profile.true_peak, str):
        return
    height = 10 ** (found.profile.true_peak / 20)
    for sign in (-1, 1):
        axis.axhline(sign * height, color=CUT, linewidth=0.8, linestyle="--")


def _figures(axis: Axes, found: Inspection) -> None:
    axis.set_axis_off()
    at = 0.97
    for step, did in steps(found):
        lines = _wrapped(str(did))
        axis.text(0, at, step, fontsize=9, color=BEFORE, transform=axis.transAxes, va="top")
        axis.text(0, at - 0.022, lines, fontsize=11, color=INK, transform=axis.transAxes, va="top")
        at -= 0.042 + 0.024 * (lines.count("\n") + 1)
    axis.text(
        0,
        max(at - 0.01, 0.02),
        _wrapped("\n".join(found.notes)),
        fontsize=9,
        color=CUT,
        transform=axis.transAxes,
        va="top",
    )


def _wrapped(text: str) -> str:
    return "\n".join(
        part for line in text.split("\n") for part in wrap(line, 44, break_long_words=True)
    )
