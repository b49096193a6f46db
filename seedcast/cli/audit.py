"""`audit`: prove that every request of a campaign ended once.

The evidence is in the topics, the committed offsets and the object store.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.text import Text

from seedcast.cli.base import Json, app, connected, emit, out, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.progress_bar import progress_bar
from seedcast.cli.tables import show

if TYPE_CHECKING:
    from seedcast.storage.audit import Finding, ObjectCheck, Report
    from seedcast.storage.audit.collect import OnProgress
    from seedcast.storage.audit.report import Check

COLOURS = {"proven": "green", "breach": "bold red", "unfinished": "yellow", "skipped": "dim"}


@app.command(rich_help_panel="Daily work")
def audit(
    campaign: Annotated[str, typer.Argument(help="The campaign to audit.")],
    sizes: Annotated[
        bool,
        typer.Option(
            "--sizes", help="Compare the sizes of objects only. By default each is read and hashed."
        ),
    ] = False,
    no_objects: Annotated[
        bool, typer.Option("--no-objects", help="Do not check audio objects.")
    ] = False,
    examples: Annotated[int, typer.Option(min=0, help="How many of each finding to name.")] = 10,
    as_json: Json = False,
) -> None:
    """Prove or refute that every accepted request ended once and its audio is there.

    Exit code 1 if a check is breached or something is not finished.
    What was accepted is the campaign's staged list, also months later. A campaign of events has
    none: then it is what the requests topics still keep.
    """
    from seedcast.storage.audit import audit as run_audit
    from seedcast.storage.s3 import S3Store

    quiet_logs()
    settings = connected()
    objects: ObjectCheck = "none" if no_objects else "size" if sizes else "hash"
    with _live() as on_progress:
        report = run_audit(
            settings,
            campaign,
            S3Store(settings.s3),
            objects=objects,
            examples=examples,
            on_progress=on_progress,
        )
    emit(_facts(report)) if as_json else _print(report)
    raise typer.Exit(Exit.OK if report.ok else Exit.INCOMPLETE)


@contextmanager
def _live() -> "Iterator[OnProgress]":
    """Show the audit's current step and how far it is."""
    from seedcast.storage.audit import Progress as AuditProgress

    with progress_bar(transient=True) as bar:
        task = bar.add_task("auditing", total=None, detail="")

        def show(progress: AuditProgress) -> None:
            of = "" if progress.total is None else f" of {progress.total:,}"
            bar.update(
                task,
                description=progress.step,
                total=progress.total,
                completed=progress.done,
                detail=f"{progress.done:,}{of}",
            )

        yield show


def _facts(report: "Report") -> dict[str, object]:
    checks = [{**asdict(check), "verdict": check.verdict} for check in report.checks]
    return {**asdict(report), "checks": checks, "ok": report.ok}


def _print(report: "Report") -> None:
    show(["", "", ""], map(_cells, report.checks))
    for title, colour, findings in (
        ("breach", "bold red", report.breaches),
        ("unfinished", "yellow", report.unfinished),
        ("note", "dim", report.notes),
    ):
        for finding in findings:
            _print_finding(title, colour, finding)
    out.print(_summary(report))


def _cells(check: "Check") -> list[str | Text]:
    checked = "–" if check.checked is None else f"{check.checked:,}"
    return [Text(check.verdict, COLOURS[check.verdict]), checked, check.what]


def _print_finding(title: str, colour: str, finding: "Finding") -> None:
    out.print(f"[{colour}]{title}[/]  {finding.count:,} × {escape(finding.what)}")
    for example in finding.examples:
        out.print(f"  {example}", markup=False)
    if finding.examples and finding.more:
        out.print(f"  … and {finding.more:,} more (--examples)")


def _summary(report: "Report") -> str:
    counts = (f"{count:,} {status}" for status, count in report.outcomes.items())
    outcomes = ", ".join(counts) or "no outcome"
    return f"{report.campaign_id}: {report.accepted:,} accepted, {outcomes} · {_verdict(report)}"


def _verdict(report: "Report") -> str:
    if report.breaches:
        kinds = len(report.breaches)
        return f"[bold red]{kinds} kind{'s' if kinds > 1 else ''} of breach[/]"
    if not report.unfinished:
        return "[green]proven[/]"
    waiting = sum(
        finding.count for finding in report.unfinished if finding.name.startswith("waiting")
    )
    return f"[yellow]not finished[/]: {waiting:,} wait" if waiting else "[yellow]not proven[/]"
