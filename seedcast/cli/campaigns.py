"""`campaigns`: list their states and progress, or wait until one ends."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedcast.cli.base import Json, app, connected, continues, emit, err, quiet_logs
from seedcast.cli.campaign_rows import STACKED_FIRST, campaign_rows, table
from seedcast.cli.exit_codes import Exit
from seedcast.cli.fleet import print_summary
from seedcast.cli.index_notes import note
from seedcast.cli.tables import show
from seedcast.cli.verbosity import App
from seedcast.errors import ListDamaged, SeedcastError

if TYPE_CHECKING:
    from seedcast.campaigns.progress import Outcomes, Progress
    from seedcast.cli.campaign_rows import Found
    from seedcast.schemas.messages import Campaign
    from seedcast.settings import Settings
    from seedcast.storage.index.indexed import IndexedCampaign


campaigns_app = App()
app.add_typer(campaigns_app, name="campaigns", rich_help_panel="Daily work")


@campaigns_app.command_itself()
@continues("the campaign goes on")
def campaigns(
    context: typer.Context,
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
    """List campaigns: state, share of the fleet, accepted, outcomes so far, rate, time left.

    A campaign's share is what it gets while all that are fed have rows. What a near deadline adds
    to it is not in the number.
    With --wait, exit code 1 if some requests did not succeed.
    """
    if context.invoked_subcommand:
        return
    quiet_logs()
    settings = connected(store=wait is not None)
    if wait:
        finish(settings, wait, as_json)
    rows = _rows(settings)
    if not as_json:
        print_rows(rows)
        if rows:
            print_summary(settings)
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
    from seedcast.campaigns.waiting import wait
    from seedcast.cli.progress_line import describe, live
    from seedcast.storage.index.lookup import available_index
    from seedcast.storage.list_ids import ids_reader

    with available_index(settings, note, tell_lag=False) as index, live() as line:
        progress = wait(settings, campaign_id, ids_reader(settings.s3), line.spoken, index)
    if as_json:
        emit({"campaign_id": campaign_id, **asdict(progress)})
        return progress
    accepted = "never sealed" if progress.accepted is None else f"{progress.accepted:,} accepted"
    err.print(f"{campaign_id}: {accepted} · {describe(progress)}")
    _print_strays(campaign_id, progress.strays, progress.stray_ids)
    return progress


def _rows(settings: "Settings") -> list[dict[str, Any]]:
    """Return one row per campaign: figures of the index, or else counted from the topic."""
    from seedcast.storage.index.lookup import available_index, current_campaigns

    with available_index(settings, note) as index:
        if index:
            found = map(as_found, current_campaigns(settings, index, note))
            return campaign_rows(list(filter(None, found)), datetime.now(UTC))
    return campaign_rows(list(_counted(settings)), datetime.now(UTC))


def as_found(found: "IndexedCampaign") -> "Found | None":
    """Return what a row is made of; None if only results name the campaign."""
    return (found.campaign, found.progress, found.cursor) if found.campaign else None


def _counted(settings: "Settings") -> Iterator["Found"]:
    from seedcast.campaigns.campaign_topic import read_campaigns
    from seedcast.campaigns.cursor_topic import read_cursors
    from seedcast.campaigns.progress import Outcomes
    from seedcast.storage.list_ids import ids_reader

    records, cursors = read_campaigns(settings), read_cursors(settings)
    with Outcomes(settings, ids_reader(settings.s3)) as outcomes:
        outcomes.catch_up()
        _tell_strays_apart(outcomes, records.values())
        for record in records.values():
            yield record, outcomes.progress(record), cursors.of(record)


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


def print_rows(rows: list[dict[str, Any]]) -> None:
    if not rows:
        err.print("no campaigns; `seedcast submit FILE --campaign NAME` begins one")
        return
    titles, cells = table(rows)
    show(titles, cells, stacked_first=[title for title in STACKED_FIRST if title in titles])
    for row in rows:
        print_notes(row)


def print_notes(row: dict[str, Any]) -> None:
    if row.get("held"):
        err.print(_held(row), markup=False)
    _print_strays(row["campaign_id"], row["strays"], row["stray_ids"])


def _held(row: dict[str, Any]) -> str:
    """Say why. A request ends by its id, which only its part has: also a cancelled one."""
    why = f"{row['campaign_id']} is held: {row['held']}"
    left = (row["accepted"] or 0) - row["fed"]
    if row["state"] != "cancelled" or not left:
        return why
    return f"{why}; until then {left:,} of its requests cannot end as cancelled"


def _print_strays(campaign_id: str, count: int, ids: tuple[str, ...]) -> None:
    if count:
        named = ", ".join((*ids, "…") if count > len(ids) else ids)
        line = f"{campaign_id}: {count:,} results are not of its list, and not counted: {named}"
        err.print(line, markup=False)
