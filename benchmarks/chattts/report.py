"""The figures as JSON, as Markdown tables and as a plot."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Figures = dict[str, Any]

COLOURS = {"float32": "tab:blue", "bfloat16": "tab:cyan", "int8": "tab:green"}
SPEED_COLUMNS = (
    "system",
    "rows",
    "lengths",
    "audio s/s",
    "in the queue",
    "tokens/s",
    "done",
    "peak MiB",
)
PRECISION_COLUMNS = (
    "precision",
    "audio s/s, mixed",
    "static MiB",
    "peak MiB",
    "mean",
    "highest",
    "deviation",
    "same arg-max",
    "positions",
)


def keep(folder: Path, figures: Figures) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "engine.json").write_text(json.dumps(figures, indent=2) + "\n")


def write(folder: Path, figures: Figures) -> None:
    keep(folder, figures)
    page = "\n".join(_page(figures)) + "\n"
    (folder / "engine.md").write_text(page)
    _plot(folder / "engine.png", figures)
    print(page)


def _page(figures: Figures) -> Iterator[str]:
    yield from _introduction(figures)
    yield from _table(SPEED_COLUMNS, _speeds(figures))
    yield from _precisions(figures)
    runs = figures["seedcast"]
    if runs[0]["part_milliseconds"]:
        yield "\n## Milliseconds of a step of full slots, by part\n"
        yield "The vocoder's share is for the tokens that a step draws.\n"
        yield from _by_part(runs, "part_milliseconds")
    yield "\n## Static memory, MiB\n"
    yield from _by_part(runs, "static_mib")
    if price := figures.get("price"):
        yield from _price(price)
    yield from _urgent(figures["urgent"])


def _introduction(figures: Figures) -> Iterator[str]:
    plan = figures["plan"]
    low, high = 2 * plan["scale"], 12 * plan["scale"]
    yield "# ChatTTS: Seedcast's engine beside upstream\n"
    yield (
        f"{figures['date']}, {figures['machine']}, {plan['threads']} threads, "
        f"{figures['seconds']} s in all. Random weights ({plan['models']}).\n"
    )
    yield f"`{figures['command']}`\n"
    yield (
        f"Equal lengths: {plan['tokens']} tokens per row. "
        f"Mixed: uniform, {low:g} to {high:g} s. Audio s/s includes the vocoder."
    )
    yield (
        "Upstream's mixed batch runs until its longest row ends; only each row's own share counts. "
        "Seedcast has a list of twice its slots;"
    )
    yield (
        "*in the queue* is the rate as long as something waited. "
        f"A measurement is cut after {plan['budget']:g} s:"
    )
    yield (
        "*done* is the share of the list that was spoken by then, "
        "in which prompts weigh more than in all of it, and long contexts less.\n"
    )


def _urgent(urgent: Figures) -> Iterator[str]:
    slots, audio = urgent["slots"], urgent["audio_seconds_p50"]
    yield f"\n## One urgent request, all {slots} slots busy and twice as many waiting\n"
    yield (
        f"{urgent['requests']} requests of about {audio:g} s: "
        f"p50 {urgent['steps_p50']:g} steps, {urgent['seconds_p50']:g} s;"
    )
    yield f"p99 {urgent['steps_p99']:g} steps, {urgent['seconds_p99']:g} s."


def _price(price: Figures) -> Iterator[str]:
    precision, slots = price["precision"], price["slots"]
    yield f"\n## The price of reproducibility ({precision}, {slots} slots, mixed lengths)\n"
    yield (
        f"Against free shapes, ours took {price['percent_queued']:+g} % of time "
        "as long as something waited,"
    )
    yield (
        f"{price['percent']:+g} % over the whole list of {price['fixed']['generations']} "
        "generations, whose end drains the slots."
    )


def _precisions(figures: Figures) -> Iterator[str]:
    """Yield a row per precision, at the most slots that were measured."""
    widest = max(run["slots"] for run in figures["seedcast"])
    yield f"\n## A precision's speed, memory and distance from float32 ({widest} slots)\n"
    yield (
        "Distance: of the logits, absolute, given the same inputs at every position; "
        "their deviation says what is large.\n"
    )
    runs = [run for run in figures["seedcast"] if run["slots"] == widest]
    rows = (
        (
            run["precision"],
            run["mixed"]["audio_per_second_queued"],
            sum(run["static_mib"].values()),
            f"{run['peak_mib']:g}",
            *_distance(figures["distance"].get(run["precision"])),
        )
        for run in runs
    )
    yield from _table(PRECISION_COLUMNS, rows)


def _distance(distance: Figures | None) -> tuple[object, ...]:
    if distance is None:
        return 0, 0, "", "100%", ""
    return (
        f"{distance['mean']:.2g}",
        f"{distance['highest']:.2g}",
        f"{distance['spread']:.2g}",
        f"{distance['first']:.1%}",
        distance["positions"],
    )


def _speeds(figures: Figures) -> Iterator[tuple[object, ...]]:
    for run in figures["upstream"]:
        yield (
            "upstream float32",
            run["batch"],
            run["lengths"],
            run["audio_per_second"],
            "",
            run["tokens_per_second"],
            "100%",
            f"{run['peak_mib']:g}",
        )
    for runs in figures["seedcast"]:
        for lengths in ("equal", "mixed"):
            run = runs[lengths]
            yield (
                f"Seedcast {runs['precision']}",
                runs["slots"],
                lengths,
                run["audio_per_second"],
                run["audio_per_second_queued"],
                run["tokens_per_second"],
                f"{run['finished'] / run['generations']:.0%}",
                f"{runs['peak_mib']:g}",
            )


def _by_part(runs: list[Figures], key: str) -> Iterator[str]:
    rows = ((run["precision"], run["slots"], *run[key].values()) for run in runs)
    yield from _table(("precision", "slots", *runs[0][key]), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"


def _plot(path: Path, figures: Figures) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(17, 4), sharey=True, layout="constrained")
    for axis, lengths in zip(axes, ("equal", "mixed"), strict=True):
        names, heights, colours = zip(*_bars(figures, lengths), strict=True)
        drawn = axis.bar(range(len(names)), heights, color=colours)
        axis.bar_label(drawn, fmt="%.2f")
        axis.set_xticks(range(len(names)), names, fontsize=8)
        axis.set_title(f"{lengths} lengths")
    axes[0].set_ylabel("audio seconds per second, vocoder included")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _bars(figures: Figures, lengths: str) -> Iterator[tuple[str, float, str]]:
    """Yield name, height and colour."""
    for run in figures["upstream"]:
        if run["lengths"] == lengths:
            yield f"upstream\n{run['batch']}", run["audio_per_second"], "0.6"
    for runs in figures["seedcast"]:
        colour = COLOURS.get(runs["precision"], "tab:purple")
        name = f"{runs['precision']}\n{runs['slots']}"
        yield name, runs[lengths]["audio_per_second_queued"], colour
