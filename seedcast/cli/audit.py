"""`audit`: whether every request of a campaign ended once, from the topics, the committed offsets and the object store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from seedcast.cli import style_options
from seedcast.cli.base import Exit, Json, app, connected, emit, err, out, quiet_logs
from seedcast.cli.submit import IdColumn, Speed, Template, list_options
from seedcast.settings import Settings

if TYPE_CHECKING:
    from producers import SubmitOptions
    from storage.audit import Finding, Objects, Report
    from storage.audit.collect import OnProgress

COLOURS = {"proven": "green", "breach": "bold red", "unfinished": "yellow", "skipped": "dim"}


@app.command(rich_help_panel="Daily work")
def audit(
    context: typer.Context,
    campaign: Annotated[str, typer.Argument(help="Whose accounts to check.")],
    sizes: Annotated[
        bool,
        typer.Option(
            "--sizes", help="Compare the objects' sizes only; by default each is read and hashed."
        ),
    ] = False,
    no_objects: Annotated[
        bool, typer.Option("--no-objects", help="Leave the object store out.")
    ] = False,
    examples: Annotated[int, typer.Option(min=0, help="How many of each finding are named.")] = 10,
    source: Annotated[
        Path | None,
        typer.Option(
            help="The list that was submitted: names the rows that nothing else knows any more."
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
    as_json: Json = False,
) -> None:
    """Prove or refute that every accepted request ended once and its audio is there. Exit code 1 where something breaks that, or is not finished.

    With --source, give the id column, template, voice, speed and style that the list was submitted with.
    """
    from storage.audit import audit as prove
    from storage.s3 import S3Store

    quiet_logs()
    settings = connected()
    options = list_options(context)
    listed = _rows(settings, source, options) if source else ()
    with _watched() as on_progress:
        objects: Objects = "size" if sizes else "hash"
        store = None if no_objects else S3Store(settings.s3)
        report = prove(
            settings,
            campaign,
            store,
            objects=objects,
            examples=examples,
            listed=listed,
            on_progress=on_progress,
        )
    emit(_facts(report)) if as_json else _print(report)
    raise typer.Exit(Exit.OK if report.ok else Exit.INCOMPLETE)


def _rows(settings: Settings, source: Path, options: "SubmitOptions") -> Iterator[tuple[int, str]]:
    """Number and request id of each row of the list."""
    from producers import rebuild_file

    return (
        (int(request.metadata["row"]), request.request_id)
        for request in rebuild_file(settings, source, options)
    )


@contextmanager
def _watched() -> "Iterator[OnProgress]":
    from storage.audit import Progress as Step

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        line = bar.add_task("auditing", total=None, detail="")

        def show(step: Step) -> None:
            of = "" if step.total is None else f" of {step.total:,}"
            bar.update(
                line,
                description=step.step,
                total=step.total,
                completed=step.done,
                detail=f"{step.done:,}{of}",
            )

        yield show


def _facts(report: "Report") -> dict[str, object]:
    from dataclasses import asdict

    verdicts = [{**asdict(check), "verdict": check.verdict} for check in report.checks]
    return {**asdict(report), "checks": verdicts, "ok": report.ok}


def _print(report: "Report") -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for check in report.checks:
        colour = COLOURS[check.verdict]
        checked = "–" if check.checked is None else f"{check.checked:,}"
        table.add_row(f"[{colour}]{check.verdict}[/]", check.what, checked)
    out.print(table)
    for title, colour, findings in (
        ("breach", "bold red", report.breaches),
        ("unfinished", "yellow", report.unfinished),
        ("note", "dim", report.notes),
    ):
        for finding in findings:
            _print_finding(title, colour, finding)
    out.print(_summary(report), soft_wrap=True)


def _print_finding(title: str, colour: str, finding: "Finding") -> None:
    out.print(f"[{colour}]{title}[/]  {finding.count:,} × {finding.what}", soft_wrap=True)
    for example in finding.examples:
        out.print(f"  {example}", markup=False, soft_wrap=True)
    if finding.examples and finding.more:
        out.print(f"  … and {finding.more:,} more (--examples)")


def _summary(report: "Report") -> str:
    ended = (
        ", ".join(f"{count:,} {status}" for status, count in report.outcomes.items())
        or "no outcome"
    )
    if report.breaches:
        verdict = (
            f"[bold red]{len(report.breaches)} kinds of breach[/]"
            if len(report.breaches) > 1
            else "[bold red]1 kind of breach[/]"
        )
    elif report.unfinished:
        waiting = sum(
            finding.count for finding in report.unfinished if finding.name.startswith("waiting")
        )
        verdict = (
            f"[yellow]not finished[/]: {waiting:,} wait" if waiting else "[yellow]not proven[/]"
        )
    else:
        verdict = "[green]proven[/]"
    return f"{report.campaign_id}: {report.accepted:,} accepted, {ended} · {verdict}"
