"""`submit`: a file of rows becomes a campaign of requests."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from seedcast.cli import style_options
from seedcast.cli.base import Exit, Json, app, connected, emit, err, out, quiet_logs
from seedcast.settings import Settings, load

if TYPE_CHECKING:
    from producers import SubmitOptions, SubmitReport

IdColumn = Annotated[str | None, typer.Option(help="Column that names a row; default: its number.")]
Template = Annotated[
    str | None, typer.Option(help="Text with variables from columns: 'Dear {name}, …'.")
]
Speed = Annotated[float, typer.Option(min=0.5, max=2.0, help="Ratio to the voice's own pace.")]


@app.command(rich_help_panel="Daily work")
def submit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, JSON Lines (.jsonl, .ndjson) or Parquet.")],
    campaign: Annotated[
        str,
        typer.Option(
            help="The list's name for ever: the same campaign and row give the same request."
        ),
    ],
    id_column: IdColumn = None,
    template: Template = None,
    voice: style_options.Voice = None,
    speaker: style_options.Speaker = None,
    speed: Speed = 1.0,
    profile: Annotated[
        list[str] | None,
        typer.Option(help=r"Device profile; repeat for several renditions. \[default: phone]"),
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(
            help="Latest moment to begin: ISO 8601 with zone, or '2h' after the campaign's opening; later ones end as expired."
        ),
    ] = None,
    urgent: Annotated[
        bool, typer.Option("--urgent", help="Speak these before all that is not urgent.")
    ] = False,
    spread: Annotated[
        int | None, typer.Option(min=0, help="Partitions that one voice may spread over; 0: all.")
    ] = None,
    state_dir: Annotated[
        Path | None,
        typer.Option(
            help=r"Folder of the journal and of rejected rows. \[default: beside the file]"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every row; send nothing.")
    ] = False,
    temperature: style_options.Temperature = None,
    top_p: style_options.TopP = None,
    top_k: style_options.TopK = None,
    repetition_penalty: style_options.RepetitionPenalty = None,
    refine: style_options.Refine = None,
    oral: style_options.Oral = None,
    laugh: style_options.Laugh = None,
    break_: style_options.Break = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every accepted request has its outcome.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Submit a list.

    What a row says in a column of its own goes before the options: text, template, voice, speaker, speed, profile, deadline, priority and the style's.
    Then come the defaults of a named voice, then the options.
    Rows that are wrong go to FILE.rejected.jsonl and the others go on; then the exit code is 1.
    Interrupted, the same command goes on from there.
    """
    quiet_logs()
    options = list_options(
        context,
        profiles=tuple(profile or ("phone",)),
        deadline=deadline,
        priority="urgent" if urgent else "normal",
        spread=spread,
        state_dir=state_dir,
        dry_run=dry_run,
    )
    settings = load() if dry_run else connected()
    report = send(settings, file, options)
    emit(_facts(report)) if as_json else show(report)
    if wait and not dry_run:
        from seedcast.cli.campaigns import finish

        finish(settings, campaign, as_json, rejected=report.rejected)
    raise typer.Exit(Exit.INCOMPLETE if report.rejected else Exit.OK)


def list_options(context: typer.Context, **more: Any) -> "SubmitOptions":
    """How a command's options say that a list is, or was, spoken; `more`: what else it says."""
    from producers import SubmitOptions

    own = {
        name: context.params[name]
        for name in ("campaign", "id_column", "template", "voice", "speaker", "speed")
    }
    return SubmitOptions(**own, style=style_options.style(style_options.asked(context)), **more)


def send(settings: Settings, file: Path, options: "SubmitOptions") -> "SubmitReport":
    from producers import submit_file
    from seedcast.cli.progress_line import live

    with live() as line:
        return submit_file(settings, file, options, line.submitted)


def show(report: "SubmitReport") -> None:
    rate = report.rows / report.seconds if report.seconds else 0
    out.print(
        f"{report.campaign_id}: {report.accepted:,} accepted ({report.new:,} new, {report.resumed:,} before), {report.duplicates:,} duplicates, "
        f"{report.rejected:,} rejected, of {report.rows:,} rows in {report.seconds:.1f} s ({rate:,.0f} rows/s)",
        soft_wrap=True,
    )
    for rejection in report.rejections[:10]:
        what = f"field {rejection.field or '–'}: expected {rejection.expected}, got {rejection.got}"
        err.print(Text.assemble((f"  row {rejection.row}", "red"), f"  {what}"), soft_wrap=True)
    if report.rejected_file:
        err.print(
            f"  all {report.rejected:,} are in {report.rejected_file}", markup=False, soft_wrap=True
        )


def _facts(report: "SubmitReport") -> dict[str, object]:
    from dataclasses import asdict

    rejections = [
        {"row": r.row, "field": r.field, "expected": r.expected, "got": r.got}
        for r in report.rejections
    ]
    return asdict(report) | {"rejections": rejections}
