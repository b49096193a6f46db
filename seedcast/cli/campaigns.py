"""`campaigns`: list their states and progress, or wait until one ends."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import Json, app, connected, continues, emit, err, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.tables import show

if TYPE_CHECKING:
    from seedcast.campaigns.progress import Progress
    from seedcast.schemas.messages import Campaign
    from seedcast.settings import Settings


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
@continues("the campaign goes on")
def campaigns(
    wait: Annotated[
        str | None,
        typer.Option(
            "--wait",
            metavar="ID",
            help="Wait until every accepted request of this campaign has its outcome.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List campaigns: state, accepted, outcomes so far, rate, time left.

    With --wait, exit code 1 if some requests did not succeed.
    """
    quiet_logs()
    settings = connected(store=False)
    if wait:
        finish(settings, wait, as_json)
    rows = _rows(settings)
    if not as_json:
        _print(rows)
        return
    for row in rows:
        emit(row)


def finish(
    settings: "Settings", campaign_id: str, as_json: bool = False, rejected: int = 0
) -> None:
    """Wait for the campaign's end, print how it ended, and exit with that code."""
    progress = follow(settings, campaign_id, as_json)
    succeeded = progress.succeeded == progress.accepted and not rejected
    raise typer.Exit(Exit.OK if succeeded else Exit.INCOMPLETE)


def follow(settings: "Settings", campaign_id: str, as_json: bool = False) -> "Progress":
    """Wait for the campaign's end, print how it ended, and return it."""
    from seedcast.campaigns.progress import wait
    from seedcast.cli.progress_line import describe, live

    with live() as line:
        progress = wait(settings, campaign_id, line.spoken)
    if as_json:
        emit({"campaign_id": campaign_id, **asdict(progress)})
        return progress
    accepted = "never sealed" if progress.accepted is None else f"{progress.accepted:,} accepted"
    err.print(f"{campaign_id}: {accepted} · {describe(progress)}")
    return progress


def _rows(settings: "Settings") -> list[dict[str, object]]:
    """Return one row per campaign, counted from the results topic."""
    from seedcast.campaigns.campaign_topic import read_campaigns
    from seedcast.campaigns.progress import Outcomes

    records = read_campaigns(settings)
    with Outcomes(settings) as outcomes:
        outcomes.catch_up()
        return [_row(record, outcomes.progress(record)) for record in records.values()]


def _row(record: "Campaign", progress: "Progress") -> dict[str, object]:
    """Return the record's facts and its progress. A paused campaign has no time left to tell."""
    completed = progress.complete and record.state == "sealed"
    return {
        "campaign_id": record.campaign_id,
        "state": "completed" if completed else record.state,
        **asdict(progress),
        "seconds_left": None if record.state == "paused" else progress.seconds_left,
        "created_at": record.created_at,
    }


def _print(rows: list[dict[str, object]]) -> None:
    if not rows:
        err.print("no campaigns; `seedcast submit FILE --campaign NAME` begins one")
        return
    cells = ([_cell(row[column]) for column in COLUMNS] for row in rows)
    show([*COLUMNS.values()], cells, stacked_first=("audio s", "per s"))


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
