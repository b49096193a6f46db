"""`verify`: the replay audit. What was delivered is synthesised again, in other company, and compared with the receipts."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from seedcast.cli import style_options
from seedcast.cli.base import Exit, Json, app, connected, emit, err, out, quiet_logs
from seedcast.cli.submit import IdColumn, Speed, Template, list_options
from seedcast.errors import InvalidInput

if TYPE_CHECKING:
    from gpu_consumers.verify.replay import Verdict

SHOWN = 20  # lines of what did not match; --json has all

Tally = Counter[str]


@app.command(rich_help_panel="Daily work")
def verify(
    context: typer.Context,
    campaign: Annotated[str, typer.Argument(help="Whose results to check.")],
    sample: Annotated[
        str, typer.Option(help="Share of the requests that were spoken; at least 20 of them.")
    ] = "1%",
    everything: Annotated[bool, typer.Option("--all", help="Every one of them.")] = False,
    source: Annotated[
        Path | None,
        typer.Option(
            help="The list that was submitted, where the requests topics have forgotten it."
        ),
    ] = None,
    id_column: IdColumn = None,
    template: Template = None,
    voice: style_options.Voice = None,
    speaker: style_options.Speaker = None,
    speed: Speed = 1.0,
    temperature: style_options.Temperature = None,
    top_p: style_options.TopP = None,
    top_k: style_options.TopK = None,
    repetition_penalty: style_options.RepetitionPenalty = None,
    refine: style_options.Refine = None,
    oral: style_options.Oral = None,
    laugh: style_options.Laugh = None,
    break_: style_options.Break = None,
    engine: Annotated[
        str | None, typer.Option(help="Engine; default: SEEDCAST_GPU_ENGINE.")
    ] = None,
    any_fingerprint: Annotated[
        bool,
        typer.Option("--any-fingerprint", help="Also what an engine of another fingerprint spoke."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Synthesise requests again, in another batch and order, and compare with the receipts. Exit code 1 where one differs or cannot be found.

    With --source, give the id column, template, voice, speed and style that the list was submitted with.
    """
    from gpu_consumers import engines
    from gpu_consumers.verify import replay_sample as samples
    from gpu_consumers.verify.replay import replay, requests_of, results_of
    from producers import rebuild_file
    from seedcast.cli.run import with_engine

    quiet_logs()
    fraction = 1.0 if everything else _fraction(sample)
    settings = with_engine(connected(), engine)
    options = list_options(context)
    requests = (
        rebuild_file(settings, source, options) if source else requests_of(settings, campaign)
    )
    with err.status("reading receipts"):
        receipts = samples.choose(results_of(settings, campaign), fraction)
    with closing(engines.load(settings)) as loaded:
        err.print(loaded.description, style="dim", soft_wrap=True)
        key = settings.postprocess.digest_key.get_secret_value().encode()
        verdicts = replay(loaded, receipts, requests, key, any_fingerprint=any_fingerprint)
        tally = _report(_watched(verdicts, len(receipts)), as_json)
        _conclude(campaign, loaded.fingerprint, tally, as_json)
    raise typer.Exit(
        Exit.OK
        if tally["match"] and not tally["mismatch"] and not tally["missing"]
        else Exit.INCOMPLETE
    )


def _fraction(sample: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", sample.strip(), re.ASCII)
    if not found or not 0 < float(found[1]) <= 100:
        raise InvalidInput("--sample", expected="a share such as 1% or 0.1%, or --all", got=sample)
    return float(found[1]) / 100


def _watched(verdicts: Iterable["Verdict"], total: int) -> Iterator["Verdict"]:
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[detail]}"),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    tally = Tally()
    with Progress(*columns, console=err) as bar:
        line = bar.add_task("verifying", total=total, detail="")
        for verdict in verdicts:
            tally[verdict.outcome] += 1
            bar.update(
                line,
                advance=1,
                detail=f"{tally['match']:,} match, {tally['mismatch']:,} differ, of {total:,}",
            )
            yield verdict


def _report(verdicts: Iterable["Verdict"], as_json: bool) -> Tally:
    """Says what did not match, as it comes; counts everything."""
    tally, others = Tally(), Tally()
    for verdict in verdicts:
        tally[verdict.outcome] += 1
        if verdict.outcome == "match":
            continue
        if as_json:
            emit(_facts(verdict))
        elif verdict.outcome == "other_fingerprint":
            others[verdict.expected.engine_fingerprint] += 1
        elif tally["mismatch"] + tally["missing"] <= SHOWN:
            _print(verdict)
    if not as_json and (hidden := tally["mismatch"] + tally["missing"] - SHOWN) > 0:
        err.print(f"… and {hidden:,} more; --json has all", soft_wrap=True)
    for fingerprint, count in others.items():
        err.print(f"other fingerprint: {count:,} were spoken by {fingerprint}", soft_wrap=True)
    return tally


def _facts(verdict: "Verdict") -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(verdict), "differs": verdict.differs}


def _print(verdict: "Verdict") -> None:
    if verdict.got is None:
        err.print(
            f"[red]missing[/]   {verdict.request_id}  its request is not there", soft_wrap=True
        )
        return
    err.print(f"[red]mismatch[/]  {verdict.request_id}", soft_wrap=True)
    for name in (*verdict.differs, "engine_fingerprint"):
        err.print(
            f"  {name:<18} expected {getattr(verdict.expected, name)}, got {getattr(verdict.got, name)}",
            soft_wrap=True,
        )


def _conclude(campaign: str, fingerprint: str, tally: Tally, as_json: bool) -> None:
    checked = tally["match"] + tally["mismatch"]
    if as_json:
        counts = {
            "checked": checked,
            "matches": tally["match"],
            "mismatches": tally["mismatch"],
            "missing": tally["missing"],
        }
        emit(
            {
                "campaign_id": campaign,
                "engine_fingerprint": fingerprint,
                **counts,
                "other_fingerprint": tally["other_fingerprint"],
            }
        )
        return
    out.print(
        f"{campaign}: {checked:,} checked, {tally['match']:,} match, {tally['mismatch']:,} differ; {tally['missing']:,} not found, "
        f"{tally['other_fingerprint']:,} of another fingerprint than {fingerprint}",
        soft_wrap=True,
    )
    if not checked:
        err.print(_remedy(tally), soft_wrap=True)


def _remedy(tally: Tally) -> str:
    if tally["missing"]:
        return "nothing was checked: name the list that was submitted with --source, and the options it was submitted with"
    if tally["other_fingerprint"]:
        return "nothing was checked: run it where the workers of that fingerprint run, or add --any-fingerprint"
    return "nothing was checked: the results topic keeps no spoken request of this campaign; `seedcast campaigns` lists them"
