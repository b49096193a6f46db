"""`submit`: a file of rows becomes a campaign of requests."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.text import Text

from seedcast.cli.base import Json, app, connected, continues, emit, err, load, out, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.findings import Checked, check_file, facts
from seedcast.cli.findings import show as show_findings
from seedcast.cli.piped import opened, shown
from seedcast.cli.style_options import expand_options
from seedcast.cli.term_options import FedListOptions
from seedcast.printing import one_line

if TYPE_CHECKING:
    from seedcast.producers.staging.options import SubmitOptions, SubmitReport
    from seedcast.settings import Settings


@app.command(rich_help_panel="Daily work")
@continues()
@expand_options
def submit(
    file: Annotated[
        Path,
        typer.Argument(help="A list: .csv, .tsv, .jsonl (also .gz, .zst), .xlsx, .parquet, or -."),
    ],
    campaign: Annotated[
        str,
        typer.Option(
            help="The list's permanent name: the same campaign and row give the same request."
        ),
    ],
    spoken: FedListOptions,
    deliver_late: Annotated[
        bool,
        typer.Option(
            "--deliver-late", help="Deliver what was begun by its deadline, however late."
        ),
    ] = False,
    urgent: Annotated[
        bool, typer.Option("--urgent", help="Speak these before everything that is not urgent.")
    ] = False,
    spread: Annotated[
        int | None,
        typer.Option(min=0, help="Partitions that one voice may spread over; 0: all of them."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check every row, as `seedcast check`, and submit nothing."),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every accepted request has its outcome.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Submit a list: check each row, store it whole, and let its campaign begin.

    A row's own columns override the options: text, template, text_format, locale, voice, speaker,
    speed, profile, deadline, priority and those of the style.
    A named voice's defaults override the options, too, but not the row's columns.
    If rows are wrong, they go to FILE.rejected.jsonl, the others are submitted, and the exit
    code is 1.
    `-` is a list on a pipe: name its --format. Its wrong rows go to list.rejected.jsonl, here.
    Nothing is submitted until everything is stored. After an interruption, run the same command
    again; a list that is submitted already is found to be, and nothing is spoken twice.
    """
    quiet_logs()
    options = spoken.submit_options(
        campaign,
        deliver_late=deliver_late,
        priority="urgent" if urgent else "normal",
        spread=spread,
        dry_run=dry_run,
    )
    if dry_run:
        settings = load()
        with opened(file, options) as (path, read_by):
            checked = check_file(settings, path, read_by)
        print_check(settings, file, checked, as_json)
        raise typer.Exit(checked.exit_code)
    settings = connected()
    with opened(file, options) as (path, read_by):
        report = send(settings, path, read_by)
    emit(report_facts(report)) if as_json else show(report)
    if wait:
        from seedcast.cli.campaigns import finish

        finish(settings, campaign, as_json, rejected=report.rejected)
    raise typer.Exit(Exit.INCOMPLETE if report.rejected else Exit.OK)


def print_check(
    settings: "Settings",
    file: Path,
    checked: Checked,
    as_json: bool,
    spoken: Sequence[Path] = (),
) -> None:
    """Print what a dry run has found. `spoken`: the files of texts that were spoken."""
    if as_json:
        paths = {"file": str(file), "spoken": list(map(str, spoken))}
        emit(report_facts(checked.report) | facts(checked) | paths)
        return
    show(checked.report, shown(file))
    show_findings(settings, checked)


def send(settings: "Settings", file: Path, options: "SubmitOptions") -> "SubmitReport":
    """Submit the file under a live line."""
    from seedcast.cli.progress_line import live
    from seedcast.producers.staging.submit import submit_file

    with live() as line:
        return submit_file(settings, file, options, line.submitted)


def show(report: "SubmitReport", name: str = "") -> None:
    """Print the counts, the first ten rejections, and the file that has all of them.

    `name`: of the list, instead of the campaign.
    """
    rate = report.rows / report.seconds if report.seconds else 0
    out.print(
        f"{escape(name or report.campaign_id)}: {_outcome(report)},"
        f" {report.duplicates:,} duplicates, {report.rejected:,} rejected,"
        f" of {report.rows:,} rows in {report.seconds:.1f} s ({rate:,.0f} rows/s)"
    )
    if report.other_terms:
        names = " and ".join(name.replace("_", " ") for name in report.other_terms)
        err.print(
            f"  its {names} stay as they are: `seedcast campaigns set {report.campaign_id}`"
            " changes terms",
            markup=False,
        )
    for rejection in report.rejections[:10]:
        what = f"field {rejection.field or '–'}: expected {rejection.expected}, got {rejection.got}"
        err.print(Text.assemble((f"  row {rejection.row}", "red"), f"  {what}"))
    if report.rejected_file:
        line = f"  all {report.rejected:,} are in {one_line(str(report.rejected_file))}"
        err.print(line, markup=False)


def _outcome(report: "SubmitReport") -> str:
    if report.state is None:  # a dry run
        return f"nothing was submitted; {report.accepted:,} valid"
    before = "already submitted, " if report.before else ""
    return f"{before}{report.accepted:,} accepted"


def report_facts(report: "SubmitReport") -> dict[str, object]:
    """Return the report for programs."""
    reasons = [{"field": r.field, "expected": r.expected, "rows": r.rows} for r in report.reasons]
    rejections = [
        {"row": r.row, "field": r.field, "expected": r.expected, "got": r.got}
        for r in report.rejections
    ]
    return asdict(report) | {"rejections": rejections, "reasons": reasons}
