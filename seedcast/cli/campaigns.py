"""`campaigns`: list their states and progress, or wait until one ends."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedcast.cli.base import Json, app, connected, continues, emit, err, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.tables import show
from seedcast.errors import ListDamaged, SeedcastError

if TYPE_CHECKING:
    from seedcast.campaigns.cursor_topic import Cursors
    from seedcast.campaigns.progress import Outcomes, Progress
    from seedcast.schemas.messages import Campaign
    from seedcast.settings import Settings


COLUMNS = {
    "campaign_id": "campaign",
    "state": "state",
    "accepted": "accepted",
    "fed": "fed",
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
    settings = connected(store=wait is not None)
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
    from seedcast.storage.staged_lists import ids_reader

    with live() as line:
        progress = wait(settings, campaign_id, ids_reader(settings.s3), line.spoken)
    if as_json:
        emit({"campaign_id": campaign_id, **asdict(progress)})
        return progress
    accepted = "never sealed" if progress.accepted is None else f"{progress.accepted:,} accepted"
    err.print(f"{campaign_id}: {accepted} · {describe(progress)}")
    _print_strays(campaign_id, progress.strays, progress.stray_ids)
    return progress


def _rows(settings: "Settings") -> list[dict[str, Any]]:
    """Return one row per campaign, counted from the results topic."""
    from seedcast.campaigns.campaign_topic import read_campaigns
    from seedcast.campaigns.cursor_topic import read_cursors
    from seedcast.campaigns.progress import Outcomes
    from seedcast.storage.list_ids import late_ids_reader

    records, cursors = read_campaigns(settings), read_cursors(settings)
    with Outcomes(settings, late_ids_reader(settings.s3)) as outcomes:
        outcomes.catch_up()
        _tell_strays_apart(outcomes, records.values())
        return [_row(record, outcomes.progress(record), cursors) for record in records.values()]


def _tell_strays_apart(outcomes: "Outcomes", records: Iterable["Campaign"]) -> None:
    """Read the lists of campaigns whose results may be those of strays, and count again if so."""
    suspects = [record for record in records if _may_have_strays(record, outcomes.progress(record))]
    while suspects:
        try:
            outcomes.tell_strays_apart(suspects[0])
        except SeedcastError as error:
            of_one = isinstance(error, ListDamaged)  # anything else befalls the others, too
            names = [each.campaign_id for each in (suspects[:1] if of_one else suspects)]
            err.print(f"strays may be counted in {', '.join(names)}: {error}", markup=False)
            suspects = suspects if of_one else []
        suspects = suspects[1:]
    outcomes.catch_up()


def _may_have_strays(record: "Campaign", progress: "Progress") -> bool:
    """Return False if every id of the list has a result, and nothing else, or had them once."""
    if record.staged is None or not progress.finished or progress.complete:
        return False
    return record.state != "completed" or not progress.certain


def _row(record: "Campaign", progress: "Progress", cursors: "Cursors") -> dict[str, Any]:
    """Return the record's facts and its progress. A paused campaign has no time left to tell."""
    completed, cursor = progress.complete and record.state == "sealed", cursors.of(record)
    return {
        "campaign_id": record.campaign_id,
        "state": "completed" if completed else record.state,
        **asdict(progress),
        "seconds_left": None if record.state == "paused" else progress.seconds_left,
        "fed": cursors.fed(record),
        "held": cursor.held if cursor else None,
        "created_at": record.created_at,
    }


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        err.print("no campaigns; `seedcast submit FILE --campaign NAME` begins one")
        return
    cells = ([_cell(row[column]) for column in COLUMNS] for row in rows)
    show([*COLUMNS.values()], cells, stacked_first=("audio s", "per s"))
    for row in rows:
        if row["held"]:
            err.print(f"{row['campaign_id']} is held: {row['held']}", markup=False)
        _print_strays(row["campaign_id"], row["strays"], row["stray_ids"])


def _print_strays(campaign_id: str, count: int, ids: tuple[str, ...]) -> None:
    if count:
        named = ", ".join(ids) + (", …" if count > len(ids) else "")
        line = f"{campaign_id}: {count:,} results are not of its list, and not counted: {named}"
        err.print(line, markup=False)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
