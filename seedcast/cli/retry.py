"""`retry`: submit the failed and expired requests of a campaign again, as a new campaign."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import Json, app, connected, continues, emit, err, out, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.submit import show

if TYPE_CHECKING:
    from seedcast.producers.staging.retry import RetryOptions, RetryReport
    from seedcast.settings import Settings


@app.command(rich_help_panel="Daily work")
@continues()
def retry(
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
            help="Latest moment of the result: ISO 8601 with zone, or '2h' from now."
            " The old deadline is dropped."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be submitted and send nothing.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every accepted request has its outcome.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Submit what failed or expired again, as a new campaign that names the old one.

    Cancelled requests are not retried.
    Requests that an earlier retry has spoken, or has under way, are left out.
    The rows are those of the campaign's staged list, also months later.
    After an interruption, run the same command again.
    Exit code 1 if a request was rejected or cannot be found any more.
    """
    from seedcast.producers.staging.retry import RetryOptions

    quiet_logs()
    options = RetryOptions(
        campaign=campaign,
        name=name,
        deadline=deadline,
        dry_run=dry_run,
    )
    settings = connected()
    report = _send(settings, options)
    emit(asdict(report)) if as_json else _show(report)
    not_submitted = report.missing + (report.submitted.rejected if report.submitted else 0)
    if wait and not dry_run and report.submitted:
        from seedcast.cli.campaigns import finish

        finish(settings, report.campaign_id, as_json, rejected=not_submitted)
    raise typer.Exit(Exit.INCOMPLETE if not_submitted else Exit.OK)


def _send(settings: "Settings", options: "RetryOptions") -> "RetryReport":
    from seedcast.cli.progress_line import live
    from seedcast.producers.staging.retry import retry as submit_again

    with live() as line:
        return submit_again(settings, options, line.submitted)


def _show(report: "RetryReport") -> None:
    out.print(f"{report.retry_of}: {_asked(report)}{_left_out(report)}")
    if report.submitted:
        show(report.submitted)
    if report.deadline and report.submitted:
        out.print(f"due by {report.deadline.isoformat(timespec='seconds')}")
    if report.strays:
        err.print(f"{report.strays:,} that failed are not of its list, and are left out")
    if report.missing:
        more = ", …" if report.missing > len(report.missing_ids) else ""
        err.print(
            f"[red]{report.missing:,} cannot be found any more[/]:"
            f" {', '.join(report.missing_ids)}{more}",
        )


def _asked(report: "RetryReport") -> str:
    codes = (f"{count:,} {code}" for code, count in sorted(report.asked.items()))
    return ", ".join(codes) or "none failed or expired"


def _left_out(report: "RetryReport") -> str:
    if not report.spoken and not report.under_way:
        return ""
    return (
        f"; {report.spoken:,} spoken by an earlier retry,"
        f" {report.under_way:,} in one that is under way"
    )
