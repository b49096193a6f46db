"""Draws a waveform and its spectrogram, before and after the chain, on one time axis."""

from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from seedcast.errors import InvalidInput
from seedcast.stream_apps.audio.samples import db_to_amplitude
from seedcast.stream_apps.inspect.curves import (
    AFTER,
    BEFORE,
    CUT,
    INK,
    draw_limiter,
    draw_speech,
)
from seedcast.stream_apps.inspect.decode import Clip
from seedcast.stream_apps.inspect.inspection import Inspection, steps

DPI = 110
COLUMNS = 1600  # of a waveform: the lowest and the highest sample of each are drawn
WINDOW = 0.025  # seconds of one spectrum
RANGE = 80.0  # dB shown under the loudest
LOUDEST = -20  # dBFS, the upper end of the colours
LINE = 0.024  # of the column of text


def save(inspection: Inspection, output: Path) -> None:
    """Write the picture in the format of the file's ending; without one, as PNG.

    Raises InvalidInput if it cannot be written, or matplotlib does not know the ending.
    """
    figure = draw(inspection)
    # Without a format, matplotlib adds an ending to a name that has none.
    format_ = output.suffix.removeprefix(".") or "png"
    try:
        figure.savefig(output, dpi=DPI, format=format_)
    except (OSError, ValueError) as error:  # matplotlib lists the endings in a ValueError
        raise InvalidInput(
            str(output), expected="a picture file that can be written", got=str(error)
        ) from error


def draw(inspection: Inspection) -> Figure:
    """Return the figure, laid out for DPI. A clip without samples is an empty space."""
    figure = Figure(
        figsize=(15, 9), facecolor="white", layout=ConstrainedLayoutEngine(h_pad=0.03, hspace=0.01)
    )
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(4, 2, width_ratios=(3.2, 1), height_ratios=(1, 1.5, 1, 1.5))
    before, after = inspection.before, inspection.after
    lead = inspection.rendered.processed.trimmed.lead if inspection.rendered else 0.0
    seconds = max(before.seconds if before else 0.0, after.seconds + lead if after else 0.0)
    first = before or after
    highest = first.rate / 2 if first else 1.0  # the chain adds nothing over this frequency
    axes = []
    for row, (clip, name, colour, shift) in enumerate(
        ((before, "before", BEFORE, 0.0), (after, "after", AFTER, lead))
    ):
        wave = figure.add_subplot(grid[2 * row, 0])
        spectrum = figure.add_subplot(grid[2 * row + 1, 0])
        missing = "not made" if inspection.is_error and row else "not kept"
        _draw_waveform(wave, clip, name, colour, shift, missing)
        _draw_spectrogram(figure, spectrum, clip, shift, highest)
        axes += [wave, spectrum]
    _mark_cuts(axes[0], axes[1], inspection)
    _mark_padding(axes[2], inspection)
    _draw_ceiling(axes[2], inspection)
    corner = grid[3, 1].subgridspec(2, 1, hspace=0.1)
    speech, limiter = figure.add_subplot(corner[0]), figure.add_subplot(corner[1])
    draw_speech(speech, inspection)
    draw_limiter(limiter, inspection)
    for axis in (*axes, speech, limiter):
        axis.set_xlim(min(0.0, lead), seconds or 1.0)
    axes[-1].set_xlabel("seconds from the beginning of the waveform before", color=INK)
    limiter.set_xlabel("seconds", color=INK)
    _write_steps(figure.add_subplot(grid[:3, 1]), inspection)
    title = f"{inspection.name}  ·  {inspection.profile.name}"
    figure.suptitle(title, x=0.01, ha="left", fontsize=15, color=INK, fontweight="bold")
    return figure


def _draw_waveform(
    axis: Axes, clip: Clip | None, name: str, colour: str, shift: float, missing: str
) -> None:
    """Draw a clip that begins at `shift` seconds, or write what is `missing`."""
    axis.set_ylim(-1.05, 1.05)
    axis.set_ylabel(f"{name}: amplitude", color=INK)
    axis.tick_params(labelbottom=False, colors=INK)
    axis.axhline(0, color=INK, linewidth=0.4)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    if clip is None or not len(clip.samples):
        word = "empty" if clip else missing
        axis.text(0.5, 0.5, word, transform=axis.transAxes, ha="center", color=INK)
        return
    count = len(clip.samples)
    starts = np.linspace(0, count, min(COLUMNS, count), endpoint=False).astype(int)
    low = np.minimum.reduceat(clip.samples, starts)
    high = np.maximum.reduceat(clip.samples, starts)
    times = shift + starts / clip.rate
    axis.fill_between(times, low, high, color=colour, linewidth=0.3, edgecolor=colour)


def _draw_spectrogram(
    figure: Figure, axis: Axes, clip: Clip | None, shift: float, highest: float
) -> None:
    """Draw a clip that begins at `shift` seconds, up to `highest` Hz."""
    axis.set_ylim(0, highest / 1000)
    axis.set_ylabel("frequency, kHz", color=INK)
    axis.set_facecolor("black")
    axis.tick_params(colors=INK)
    if clip is None or not len(clip.samples):
        return
    image: Any = axis.imshow(
        _spectra(clip),
        origin="lower",
        aspect="auto",
        extent=(shift, shift + clip.seconds, 0, clip.rate / 2000),
        cmap="magma",
        vmin=LOUDEST - RANGE,
        vmax=LOUDEST,
        interpolation="bilinear",
    )
    figure.colorbar(image, ax=axis, pad=0.01, fraction=0.03, label="dBFS")


def _spectra(clip: Clip) -> npt.NDArray[np.float64]:
    """Return (frequencies, spectra) in dBFS; a sine at full scale is 0."""
    size = min(len(clip.samples), round(WINDOW * clip.rate))
    hop = max(size // 4, len(clip.samples) // (2 * COLUMNS), 1)
    frames = np.lib.stride_tricks.sliding_window_view(clip.samples, size)[::hop] * np.hanning(size)
    amplitudes = np.abs(np.fft.rfft(frames, axis=1)).T / (size / 4)
    return np.asarray(20 * np.log10(amplitudes + 1e-9))


def _mark_cuts(wave: Axes, spectrum: Axes, inspection: Inspection) -> None:
    """Mark what the trim removed in red, and write how much it was over the waveform."""
    if not (inspection.before and inspection.rendered):
        return
    trimmed, seconds = inspection.rendered.processed.trimmed, inspection.before.seconds
    for start, end, side in ((0, trimmed.lead, "left"), (seconds - trimmed.tail, seconds, "right")):
        if end > start:
            wave.axvspan(start, end, color=CUT, alpha=0.18, linewidth=0)
            spectrum.axvspan(start, end, color=CUT, alpha=0.35, linewidth=0)
            _write_over(wave, start if side == "left" else end, side, f"cut: {_ms(end - start)}")


def _mark_padding(wave: Axes, inspection: Inspection) -> None:
    """Mark the silence that the trim added, and write how much it was."""
    if not (inspection.after and inspection.rendered):
        return
    trimmed = inspection.rendered.processed.trimmed
    end = trimmed.lead + inspection.after.seconds
    for start, stop, side in ((trimmed.lead, 0.0, "left"), (end + trimmed.tail, end, "right")):
        if stop > start and (trimmed.lead if side == "left" else trimmed.tail) < 0:
            wave.axvspan(start, stop, color=AFTER, alpha=0.15, linewidth=0)
            at = start if side == "left" else stop
            _write_over(wave, at, side, f"silence added: {_ms(stop - start)}")


def _write_over(axis: Axes, at: float, side: str, text: str) -> None:
    """Write beside the waveform: over the axis, from its left end or up to its right end."""
    place = axis.get_xaxis_transform()
    colour = CUT if text.startswith("cut") else AFTER
    axis.text(at, 1.02, text, transform=place, ha=side, va="bottom", fontsize=8, color=colour)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _draw_ceiling(axis: Axes, inspection: Inspection) -> None:
    ceiling = inspection.profile.true_peak
    if isinstance(ceiling, str):
        return
    height = db_to_amplitude(ceiling)
    for sign in (-1, 1):
        axis.axhline(sign * height, color=CUT, linewidth=0.8, linestyle="--")
    place = axis.get_yaxis_transform()
    label = f"ceiling\n{ceiling:g} dBTP"
    text = axis.text(1.005, height, label, transform=place, va="center", fontsize=8, color=CUT)
    text.set_in_layout(False)  # its place is free: the colours' scale is beside the spectrogram


def _write_steps(axis: Axes, inspection: Inspection) -> None:
    """Write each step and what it did, then the notes in red."""
    axis.set_axis_off()
    y = 0.99
    for step, outcome in steps(inspection):
        lines = _wrap(str(outcome))
        axis.text(0, y, step, fontsize=8, color=BEFORE, transform=axis.transAxes, va="top")
        axis.text(0, y - LINE, lines, fontsize=10, color=INK, transform=axis.transAxes, va="top")
        y -= LINE * (1.5 + 1.3 * (lines.count("\n") + 1))
    y, notes = max(y - 0.01, 0.02), _wrap("\n".join(inspection.notes))
    axis.text(0, y, notes, fontsize=9, color=CUT, transform=axis.transAxes, va="top")


def _wrap(text: str) -> str:
    return "\n".join(
        part for line in text.split("\n") for part in wrap(line, 48, break_long_words=True)
    )
