"""Writes the figures as JSON, as Markdown tables and as a plot."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

Figures = dict[str, Any]  # as in postprocess.json
STEPS = ("decode", "trim", "SNR", "denoise", "resample", "band, dynamics", "level", "encode")


def write(folder: Path, figures: Figures) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "postprocess.json").write_text(json.dumps(figures, indent=2) + "\n")
    page = "\n".join(_page(figures)) + "\n"
    (folder / "postprocess.md").write_text(page)
    _plot(folder / "postprocess.png", figures)
    print(page)


def _page(figures: Figures) -> Iterator[str]:
    yield "# The post-process chain\n"
    yield from _chain_section(figures)
    yield from _noise_section(figures)
    yield from _processes_section(figures)
    yield from _resampling_section(figures)


def _chain_section(figures: Figures) -> Iterator[str]:
    before, after = figures["load_before"], figures["load_after"]
    load = f"load {before:.1f} at the start and {after:.1f} at the end"
    run = f"{figures['date']}, {figures['machine']}, {figures['seconds']} s in all, {load}."
    yield f"{run} `{figures['command']}`\n"
    yield (
        f"{figures['audio_seconds']:g} s of espeak's speech; audio seconds per CPU second of one"
        " thread, decoding of the waveform included. The naive chain runs RNNoise on every clip;"
        " the column beside it leaves that step out. ffmpeg (`silenceremove`, `loudnorm`) and sox"
        " (`silence`, `gain -n`) suppress no noise, and start a process for each clip.\n"
    )
    names = _programs(figures)
    head = ("profile", "format", "naive", "without RNNoise", *names, "Seedcast", "faster")
    yield from _table(head, _speed_rows(figures))
    yield "\nMean distance from the profile's loudness, in LU, of the decoded file:\n"
    yield from _table(("profile", "format", "Seedcast", *names), _loudness_rows(figures))
    yield "\n## Milliseconds of CPU for 10 s of audio, by step\n"
    yield from _table(("chain", "profile", *STEPS), _step_rows(figures))


def _noise_section(figures: Figures) -> Iterator[str]:
    yield (
        "\n## Noise\n\n"
        "Share of a rendition's CPU on these clean clips, where `auto` looks for noise and finds"
        " none:\n"
    )
    yield from _table(("profile", "format", "SNR estimate", "suppression"), _share_rows(figures))
    yield (
        "\nWith noise at 10 dB (babble: six voices); SI-SDR after RNNoise, whether `auto` asks for"
        " it or not:\n"
    )
    head = ("noise", "auto suppresses", "estimated SNR dB", "SI-SDR before dB", "after dB")
    yield from _table(head, _noise_rows(figures))


def _processes_section(figures: Figures) -> Iterator[str]:
    one, two = (figures["processes"][count] for count in (1, 2))
    yield (
        "\n## Processes\n\n"
        f"phone and telephony of each clip: {one:g} audio s/s by one process, {two:g} by two:"
        f" {two / one:.2f} × as much.\n"
    )


def _resampling_section(figures: Figures) -> Iterator[str]:
    yield (
        "## Resampling\n\n"
        "Ripple up to 85 % of the lower Nyquist frequency; edge: at 3.4 kHz for 8 kHz, else at"
        " 90 % of it;"
    )
    yield (
        "rejection: the loudest alias or image, from 2 % over that frequency on (images of tones"
        " up to 90 % of it)."
    )
    processor = figures["machine"].split(",")[0]
    yield (
        "`soxr` and `kaiser` are a profile's choices, the others librosa's own names."
        f" 10 s clips, {processor}.\n"
    )
    head = ("Hz", "filter", "ripple dB", "edge dB", "rejection dB", "× real time")
    yield from _table(head, _filter_rows(figures))


def _runs(figures: Figures) -> Iterator[Figures]:
    yield from figures["runs"]
    denoised = figures["denoised"]
    yield denoised | {"profile": f"{denoised['profile']}, 12 dB SNR"}


def _programs(figures: Figures) -> list[str]:
    """Return the other programs that were measured; none where none is installed."""
    return sorted({name for run in figures["runs"] for name in run["programs"]})


def _speed_rows(figures: Figures) -> Iterator[tuple[object, ...]]:
    names = _programs(figures)
    for run in _runs(figures):
        naive, ours, steps = run["naive"], run["ours"], run["naive_steps"]
        unsuppressed = 1 / (sum(steps.values()) - steps["denoise"])
        theirs = (_cell(run["programs"], name, ".0f") for name in names)
        speeds = (f"{naive:.0f}", f"{unsuppressed:.0f}", *theirs, f"{ours:.0f}")
        yield run["profile"], run["format"], *speeds, f"{ours / naive:.0f} ×"


def _loudness_rows(figures: Figures) -> Iterator[tuple[object, ...]]:
    for run in figures["runs"]:
        if any(run["loudness"].values()):
            cells = (
                _cell(run["loudness"], name, ".2f") for name in ("Seedcast", *_programs(figures))
            )
            yield run["profile"], run["format"], *cells


def _cell(values: dict[str, float], name: str, spec: str) -> str:
    return format(values[name], spec) if name in values else "–"


def _step_rows(figures: Figures) -> Iterator[tuple[object, ...]]:
    for run in _runs(figures):
        for chain, steps in (("naive", run["naive_steps"]), ("Seedcast", run["our_steps"])):
            cells = (f"{10_000 * steps[step]:.1f}" if step in steps else "–" for step in STEPS)
            yield chain, run["profile"], *cells


def _share_rows(figures: Figures) -> Iterator[tuple[object, ...]]:
    for run in figures["runs"]:
        steps, whole = run["our_steps"], sum(run["our_steps"].values())
        shares = (f"{steps.get(step, 0.0) / whole:.1%}" for step in ("SNR", "denoise"))
        yield run["profile"], run["format"], *shares


def _noise_rows(figures: Figures) -> Iterator[tuple[object, ...]]:
    for row in figures["noises"]:
        suppressed = f"{row['suppressed']:.0%} of clips"
        decibels = (f"{row[key]:.1f}" for key in ("snr", "before", "after"))
        yield row["noise"], suppressed, *decibels


def _filter_rows(figures: Figures) -> Iterator[tuple[object, ...]]:
    for row in figures["filters"]:
        yield (
            f"{row['rate']} → {row['target']}",
            row["name"],
            f"{row['ripple']:.3f}",
            f"{row['edge']:.2f}",
            f"{row['rejection']:.0f}",
            f"{row['realtime']:,.0f}",
        )


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|---|---" + "|---:" * (len(head) - 2) + "|"
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"


def _plot(path: Path, figures: Figures) -> None:
    figure = Figure(figsize=(12, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharey=False)
    runs = list(_runs(figures))
    _plot_chain(upper, runs, "naive", "naive")
    _plot_chain(lower, runs, "ours", "Seedcast")
    lower.legend(ncols=len(STEPS), fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    figure.savefig(path, dpi=120)


def _plot_chain(axis: Axes, runs: list[Figures], chain: str, title: str) -> None:
    """Draw a bar per profile: the milliseconds of each step, and how much faster than real time."""
    steps = "naive_steps" if chain == "naive" else "our_steps"
    profiles, ends = [run["profile"] for run in runs], [0.0] * len(runs)
    for step in STEPS:
        widths = [10_000 * run[steps].get(step, 0.0) for run in runs]
        bars = axis.barh(profiles, widths, left=ends, label=step)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    axis.bar_label(bars, [f"{run[chain]:.0f} ×" for run in runs], padding=4, fontsize=8)
    axis.invert_yaxis()
    axis.margins(x=0.08)
    axis.set_title(f"{title}: milliseconds of CPU for 10 s of audio, and × real time")
