"""The figures as JSON, as Markdown tables and as a plot."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Found = dict[str, Any]


def keep(folder: Path, found: Found) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "engine.json").write_text(json.dumps(found, indent=2) + "\n")


def write(folder: Path, found: Found) -> None:
    keep(folder, found)
    page = "\n".join(_page(found)) + "\n"
    (folder / "engine.md").write_text(page)
    _plot(folder / "engine.png", found)
    print(page)


def _page(found: Found) -> Iterator[str]:
    plan = found["plan"]
    yield "# ChatTTS: Seedcast's engine beside upstream\n"
    yield f"{found['date']}, {found['machine']}, {plan['threads']} threads, {found['seconds']} s in all. Random weights ({plan['models']}).\n"
    yield f"`{found['command']}`\n"
    yield f"Equal lengths: {plan['tokens']} tokens a row. Mixed: uniform, {2 * plan['scale']:g} to {12 * plan['scale']:g} s. Audio s/s includes the vocoder."
    yield "Upstream's mixed batch runs until its longest row ends; only each row's own share counts. Seedcast has a list of twice its slots;"
    yield f"*in the queue* is the rate as long as something waited. A measurement is cut after {plan['budget']:g} s:"
    yield "*done* is the share of the list that was spoken by then, in which prompts weigh more than in all of it, and long contexts less.\n"
    yield from _table(
        ("system", "rows", "lengths", "audio s/s", "in the queue", "tokens/s", "done", "peak MiB"),
        _speeds(found),
    )
    yield from _precisions(found)
    if parts := list(found["seedcast"][0]["part_milliseconds"]):
        yield "\n## Milliseconds of a step of full slots, by part\n"
        yield "The vocoder's share is for the tokens that a step draws.\n"
        yield from _table(
            ("precision", "slots", *parts),
            (
                (run["precision"], run["slots"], *run["part_milliseconds"].values())
                for run in found["seedcast"]
            ),
        )
    yield "\n## Static memory, MiB\n"
    names = list(found["seedcast"][0]["static_mib"])
    yield from _table(
        ("precision", "slots", *names),
        (
            (run["precision"], run["slots"], *run["static_mib"].values())
            for run in found["seedcast"]
        ),
    )
    if price := found.get("price"):
        yield from _price(price)
    urgent = found["urgent"]
    yield f"\n## One urgent request, all {urgent['slots']} slots busy and twice as many waiting\n"
    yield f"{urgent['requests']} requests of about {urgent['audio_seconds_p50']:g} s: p50 {urgent['steps_p50']:g} steps, {urgent['seconds_p50']:g} s;"
    yield f"p99 {urgent['steps_p99']:g} steps, {urgent['seconds_p99']:g} s."


def _price(price: Found) -> Iterator[str]:
    yield f"\n## The price of reproducibility ({price['precision']}, {price['slots']} slots, mixed lengths)\n"
    yield f"Against free shapes, ours took {price['percent_queued']:+g} % of time as long as something waited,"
    yield f"{price['percent']:+g} % over the whole list of {price['fixed']['passes']} passes, whose end drains the slots."


def _precisions(found: Found) -> Iterator[str]:
    """A row a precision, at the most slots that were measured."""
    widest = max(run["slots"] for run in found["seedcast"])
    yield f"\n## A precision's speed, memory and distance from float32 ({widest} slots)\n"
    yield "Distance: of the logits, absolute, given the same inputs at every position; their deviation says what is large.\n"
    rows = (
        (
            name,
            run["mixed"]["audio_per_second_queued"],
            sum(run["static_mib"].values()),
            f"{run['peak_mib']:g}",
            *_distance(found["distance"].get(name)),
        )
        for run in found["seedcast"]
        for name in [run["precision"]]
        if run["slots"] == widest
    )
    yield from _table(
        (
            "precision",
            "audio s/s, mixed",
            "static MiB",
            "peak MiB",
            "mean",
            "highest",
            "deviation",
            "same arg-max",
            "positions",
        ),
        rows,
    )


def _distance(d: Found | None) -> tuple[object, ...]:
    if d is None:
        return 0, 0, "", "100%", ""
    return (
        f"{d['mean']:.2g}",
        f"{d['highest']:.2g}",
        f"{d['spread']:.2g}",
        f"{d['first']:.1%}",
        d["positions"],
    )


def _speeds(found: Found) -> Iterator[tuple[object, ...]]:
    for run in found["upstream"]:
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
    for runs in found["seedcast"]:
        for name in ("equal", "mixed"):
            run = runs[name]
            rates = (
                run["audio_per_second"],
                run["audio_per_second_queued"],
                run["tokens_per_second"],
            )
            yield (
                f"Seedcast {runs['precision']}",
                runs["slots"],
                name,
                *rates,
                f"{run['finished'] / run['passes']:.0%}",
                f"{runs['peak_mib']:g}",
            )


def _table(head: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"


def _plot(path: Path, found: Found) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(17, 4), sharey=True, layout="constrained")
    for axis, lengths in zip(axes, ("equal", "mixed"), strict=True):
        bars = [
            (f"upstream\n{run['batch']}", run["audio_per_second"], "0.6")
            for run in found["upstream"]
            if run["lengths"] == lengths
        ]
        colours = {"float32": "tab:blue", "bfloat16": "tab:cyan", "int8": "tab:green"}
        bars += [
            (
                f"{runs['precision']}\n{runs['slots']}",
                runs[lengths]["audio_per_second_queued"],
                colours.get(runs["precision"], "tab:purple"),
            )
            for runs in found["seedcast"]
        ]
        drawn = axis.bar(
            range(len(bars)),
            [height for _, height, _ in bars],
            color=[colour for *_, colour in bars],
        )
        axis.bar_label(drawn, fmt="%.2f")
        axis.set_xticks(range(len(bars)), [name for name, *_ in bars], fontsize=8)
        axis.set_title(f"{lengths} lengths")
    axes[0].set_ylabel("audio seconds a second, vocoder included")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
