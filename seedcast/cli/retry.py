"""`retry`: what failed or expired in a campaign again, as a campaign of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli import style_options
from seedcast.cli.base import Exit, Json, app, connected, emit, err, out, quiet_logs
from seedcast.cli.submit import IdColumn, Speed, Template, list_options, show
from seedcast.settings import Settings

if TYPE_CHECKING:
    from producers.submit.retry import RetryOptions, RetryReport


@app.command(rich_help_panel="Daily work")
def retry(
    context: typer.Context,
    campaign: Annotated[
        str, typer.Argument(help="Whose failed and expired requests to submit again.")
    ],
    name: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            help=r"The new campaign. \[default: CAMPAIGN-retry-1, or the next free number]",
        ),
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(
            help="Latest moment to begin: ISO 8601 with zone, or '2h' from now; the old one is dropped."
        ),
    ] = None,
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
    profile: Annotated[
        list[str] | None,
        typer.Option(help=r"Device profile of that list; repeat for several. \[default: phone]"),
    ] = None,
    urgent: Annotated[
        bool, typer.Option("--urgent", help="That list was submitted with --urgent.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be submitted; send nothing.")
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
        bool, typer.Option("--wait", help="Until every accepted request has its outcome.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Submit what failed or expired again, as a new campaign that names the old one. Cancelled requests are not retried.

    What an earlier retry has spoken, or has in hand, is left out; interrupted, the same command goes on.
    With --source, give the id column, template, voice, speed, profiles and style that the list was submitted with.
    Exit code 1 where a request was rejected or cannot be found any more.
    """
    from producers.submit.retry import RetryOptions

    quiet_logs()
    listed = list_options(
        context, profiles=tuple(profile or ("phone",)), priority="urgent" if urgent else "normal"
    )
    settings = connected()
    report = _send(
        settings,
        RetryOptions(
            campaign=campaign,
            name=name,
            deadline=deadline,
            source=source,
            listed=listed,
            dry_run=dry_run,
        ),
    )
    emit(_facts(report)) if as_json else _show(report)
    wrong = report.missing + (report.submitted.rejected if report.submitted else 0)
    if wait and not dry_run and report.submitted:
        from seedcast.cli.campaigns import finish

        finish(settings, report.campaign_id, as_json, rejected=wrong)
    raise typer.Exit(Exit.INCOMPLETE if wrong else Exit.OK)


def _send(settings: Settings, options: "RetryOptions") -> "RetryReport":
    from producers.submit.retry import retry as again
    from seedcast.cli.progress_line import live

    with live() as line:
        return again(settings, options, line.submitted)


def _show(report: "RetryReport") -> None:
    codes = (
        ", ".join(f"{count:,} {code}" for code, count in sorted(report.asked.items()))
        or "none failed or expired"
    )
    left_out = (
        f"; {report.spoken:,} spoken by an earlier retry, {report.under_way:,} in one that is under way"
        if report.spoken or report.under_way
        else ""
    )
    out.print(f"{report.retry_of}: {codes}{left_out}", soft_wrap=True)
    if report.submitted:
        show(report.submitted)
    if report.deadline and report.submitted:
        out.print(f"to begin by {report.deadline.isoformat(timespec='seconds')}", soft_wrap=True)
    if report.missing:
        named = ", ".join(report.missing_ids) + (
            ", …" if report.missing > len(report.missing_ids) else ""
        )
        err.print(
            f"[red]{report.missing:,} cannot be found any more[/]; name the list that was submitted with --source: {named}",
            soft_wrap=True,
        )


def _facts(report: "RetryReport") -> dict[str, object]:
    from dataclasses import asdict

    return asdict(report)
