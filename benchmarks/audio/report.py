"""The figures as JSON, as Markdown tables and as a plot."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

Found = dict[str, Any]
STEPS = ("decode", "trim", "SNR", "denoise", "resample", "band, dynamics", "level", "encode")


def write(folder: Path, found: Found) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "postprocess.json").write_text(json.dumps(found, indent=2) + "\n")
    page = "\n".join(_page(found)) + "\n"
    (folder / "postprocess.md").write_text(page)
    _plot(folder / "postprocess.png", found)
    print(page)


def _page(found: Found) -> Iterator[str]:
    yield "# The post-process chain\n"
    load = f"load {found['load_before']:.1f} at the start and {found['load_after']:.1f} at the end"
    yield f"{found['date']}, {found['machine']}, {found['seconds']} s in all, {load}. `{found['command']}`\n"
    yield f"{found['audio_seconds']:g} s of espeak's speech; audio seconds a CPU second of one thread, decoding of the waveform included.\n"
    rows = (
        (
            run["profile"],
            run["format"],
            f"{run['naive']:.0f}",
            f"{run['ours']:.0f}",
            f"{run['ours'] / run['naive']:.0f} ×",
        )
        for run in _runs(found)
    )
    yield from _table(("profile", "format", "naive", "Seedcast", "faster"), rows)
    yield "\n## Milliseconds of CPU for 10 s of audio, by step\n"
    yield from _table(("chain", "profile", *STEPS), _steps(found))
    yield "\n## Noise\n\nShare of a rendition's CPU on these clean clips, where `auto` looks for noise and finds none:\n"
    yield from _table(("profile", "format", "SNR estimate", "suppression"), _shares(found))
    yield "\nWith noise at 10 dB (babble: six voices); SI-SDR after RNNoise, whether `auto` asks for it or not:\n"
    yield from _table(
        ("noise", "auto suppresses", "estimated SNR dB", "SI-SDR before dB", "after dB"),
        _noises(found),
    )
    one, two = (found["processes"][count] for count in (1, 2))
    yield f"\n## Processes\n\nphone and telephony of each clip: {one:g} audio s/s by one process, {two:g} by two: {two / one:.2f} × as much.\n"
    yield "## Resampling\n\nRipple up to 85 % of the lower Nyquist frequency; edge: at 3.4 kHz for 8 kHz, else at 90 % of it;"
    yield "rejection: the loudest alias or image, from 2 % over that frequency on (images of tones up to 90 % of it)."
    yield f"`soxr` and `kaiser` are a profile's choices, the others librosa's own names. 10 s clips, {found['machine'].split(',')[0]}.\n"
    yield from _table(
        ("Hz", "filter", "ripple dB", "edge dB", "rejection dB", "× real time"), _filters(found)
    )


def _runs(found: Found) -> Iterator[Found]:
    yield from found["runs"]
    yield found["denoised"] | {"profile": f"{found['denoised']['profile']}, 12 dB SNR"}


def _steps(found: Found) -> Iterator[tuple[object, ...]]:
    for run in _runs(found):
        for chain, steps in (("naive", run["naive_steps"]), ("Seedcast", run["our_steps"])):
            yield (
                chain,
                run["profile"],
                *(f"{10_000 * steps[step]:.1f}" if step in steps else "–" for step in STEPS),
            )


def _shares(found: Found) -> Iterator[tuple[object, ...]]:
    for run in found["runs"]:
        steps, whole = run["our_steps"], sum(run["our_steps"].values())
        yield (
            run["profile"],
            run["format"],
            *(f"{steps.get(step, 0.0) / whole:.1%}" for step in ("SNR", "denoise")),
        )


def _noises(found: Found) -> Iterator[tuple[object, ...]]:
    for f in found["noises"]:
        yield (
            f["noise"],
            f"{f['suppressed']:.0%} of clips",
            f"{f['snr']:.1f}",
            f"{f['before']:.1f}",
            f"{f['after']:.1f}",
        )


def _filters(found: Found) -> Iterator[tuple[object, ...]]:
    for f in found["filters"]:
        yield (
            f"{f['rate']} → {f['target']}",
            f["name"],
            f"{f['ripple']:.3f}",
            f"{f['edge']:.2f}",
            f"{f['rejection']:.0f}",
            f"{f['realtime']:,.0f}",
        )


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|---|---" + "|---:" * (len(head) - 2) + "|"
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"


def _plot(path: Path, found: Found) -> None:
    figure = Figure(figsize=(12, 7), layout="constrained")
    (slow, fast) = figure.subplots(2, 1, sharey=False)
    for axis, chain, title in ((slow, "naive_steps", "naive"), (fast, "our_steps", "Seedcast")):
        runs, left = list(_runs(found)), None
        for step in STEPS:
            widths = [10_000 * run[chain].get(step, 0.0) for run in runs]
            bars = axis.barh([run["profile"] for run in runs], widths, left=left, label=step)
            left = [a + b for a, b in zip(left or [0.0] * len(runs), widths, strict=True)]
        axis.bar_label(
            bars,
            [f"{run['naive' if chain == 'naive_steps' else 'ours']:.0f} ×" for run in runs],
            padding=4,
            fontsize=8,
        )
        axis.invert_yaxis()
        axis.margins(x=0.08)
        axis.set_title(f"{title}: milliseconds of CPU for 10 s of audio, and × real time")
    fast.legend(ncols=len(STEPS), fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    figure.savefig(path, dpi=120)
