"""`campaigns`: how they stand, and waiting for one to end."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from seedcast.cli.base import Exit, Json, app, connected, emit, err, out, quiet_logs
from seedcast.settings import Settings

if TYPE_CHECKING:
    from schemas.messages import Campaign
    from seedcast.campaigns.progress import Progress


COLUMNS = {
    "campaign_id": "campaign",
    "state": "state",
    "accepted": "accepted",
    "succeeded": "ok",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
    "audio_seconds": "audio s",
    "rate": "per s",
    "seconds_left": "left s",
}


@app.command(rich_help_panel="Daily work")
def campaigns(
    wait: Annotated[
        str | None,
        typer.Option(
            "--wait",
            metavar="ID",
            help="Wait until every accepted request of this one has its outcome.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List campaigns: state, accepted, outcomes so far, rate, time left. With --wait, exit code 1 where some did not succeed."""
    quiet_logs()
    settings = connected()
    if wait:
        finish(settings, wait, as_json)
    for row in _rows(settings):
        if as_json:
            emit(row)
    if not as_json:
        _print(_rows(settings))


def finish(settings: Settings, campaign_id: str, as_json: bool = False, rejected: int = 0) -> None:
    """Waits, reports, and exits with how it ended."""
    progress = follow(settings, campaign_id, as_json)
    raise typer.Exit(
        Exit.OK if progress.succeeded == progress.accepted and not rejected else Exit.INCOMPLETE
    )


def follow(settings: Settings, campaign_id: str, as_json: bool = False) -> "Progress":
    """Waits until it ends, and reports."""
    from seedcast.campaigns.progress import wait
    from seedcast.cli.progress_line import describe, live

    with live() as line:
        progress = wait(settings, campaign_id, line.spoken)
    if as_json:
        emit({"campaign_id": campaign_id, **facts(progress)})
    else:
        accepted = (
            "never sealed" if progress.accepted is None else f"{progress.accepted:,} accepted"
        )
        err.print(f"{campaign_id}: {accepted} · {describe(progress)}")
    return progress


def facts(progress: "Progress") -> dict[str, object]:
    from dataclasses import asdict

    return asdict(progress)


def _rows(settings: Settings) -> list[dict[str, object]]:
    """One a campaign; rate and time left come from the times of the results themselves."""
    from seedcast.campaigns.campaign_topic import read_campaigns
    from seedcast.campaigns.progress import Outcomes

    records = read_campaigns(settings)
    with Outcomes(settings) as outcomes:
        outcomes.catch_up()
        return [_row(record, outcomes.progress(record)) for record in records.values()]


def _row(record: "Campaign", progress: "Progress") -> dict[str, object]:
    state = "completed" if progress.complete and record.state == "sealed" else record.state
    rate = progress.rate
    goes_on = record.state != "paused" and not progress.complete
    left = (
        (record.accepted - progress.finished) / rate
        if rate and record.accepted and goes_on
        else None
    )
    return {
        "campaign_id": record.campaign_id,
        "state": state,
        **facts(progress),
        "rate": rate,
        "seconds_left": left,
        "created_at": record.created_at,
    }


def _print(rows: list[dict[str, object]]) -> None:
    if not rows:
        err.print("no campaigns; `seedcast submit FILE --campaign NAME` begins one")
        return
    table = Table(box=None, pad_edge=False)
    for title in COLUMNS.values():
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in COLUMNS))
    out.print(table)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return (
        f"{value:,.1f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
