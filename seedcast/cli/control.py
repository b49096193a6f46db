"""`pause`, `resume` and `cancel`: an operator's decisions about a campaign that is under way."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import Json, app, connected, continues, emit, err, out, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.errors import SeedcastError

if TYPE_CHECKING:
    from seedcast.schemas.messages import Campaign
    from seedcast.settings import Settings

CampaignName = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="Its name, as `seedcast campaigns` lists it.")
]


@app.command(rich_help_panel="Daily work")
def pause(campaign: CampaignName, as_json: Json = False) -> None:
    """Pause a campaign: its list is not fed on. What is fed already is still spoken.

    `seedcast resume` lets it continue. A campaign of events has no list, and cannot be paused.
    """
    from seedcast.campaigns import campaign_state

    settings = _connected()

    def consequence(record: "Campaign") -> str:
        coming = _still_coming(settings, record)
        return f"{coming}; the rest waits until `seedcast resume {campaign}`"

    _apply(settings, campaign, campaign_state.paused, consequence, as_json)


@app.command(rich_help_panel="Daily work")
def resume(campaign: CampaignName, as_json: Json = False) -> None:
    """Let a paused campaign continue."""
    from seedcast.campaigns import campaign_state

    consequence = "the feeder goes on where it was"
    _apply(_connected(), campaign, campaign_state.resumed, lambda _: consequence, as_json)


@app.command(rich_help_panel="Daily work")
@continues("a cancellation that was written stands")
def cancel(
    campaign: CampaignName,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every accepted request has its outcome.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Cancel a campaign for good. Requests without a result end as cancelled; results stay."""
    from seedcast.campaigns import campaign_state
    from seedcast.cli.campaigns import follow

    settings = _connected(store=wait)

    def change(record: "Campaign") -> "Campaign":
        has_open = record.state == "completed" and _has_open_requests(settings, record)
        return campaign_state.cancelled(record, has_open=has_open)

    consequence = "what is not delivered yet ends as cancelled; what was delivered stays"
    _apply(settings, campaign, change, lambda _: consequence, as_json)
    if wait:
        follow(settings, campaign, as_json)


def _still_coming(settings: "Settings", record: "Campaign") -> str:
    """Say how many requests of a paused campaign are fed and not delivered yet, at most."""
    from seedcast.campaigns.in_flight import count_in_flight

    try:
        most = min(count_in_flight(settings), record.accepted or 0)
    except (SeedcastError, TimeoutError) as error:
        err.print(f"  how many still come is not known: {error}", markup=False)
        return "what is fed ahead is still spoken"
    return f"up to {most:,} requests still come"


def _has_open_requests(settings: "Settings", record: "Campaign") -> bool:
    """Return True if a request is still to be fed or spoken.

    An older version completes a campaign by a count, which may be one of strays.
    """
    from seedcast.campaigns.cursor_topic import read_cursors
    from seedcast.storage.audit import audit

    if record.staged and read_cursors(settings).fed(record) < (record.accepted or 0):
        return True
    unfinished = audit(settings, record.campaign_id, store=None).unfinished
    return any(finding.name.startswith("waiting") for finding in unfinished)


def _connected(*, store: bool = False) -> "Settings":
    quiet_logs()
    return connected(store=store)


def _apply(
    settings: "Settings",
    campaign_id: str,
    change: Callable[["Campaign"], "Campaign"],
    consequence: Callable[["Campaign"], str],
    as_json: bool,
) -> None:
    """Change the campaign's record and print the result, and what it means for its requests.

    Exits with code 1 if a concurrent change won. Raises InvalidInput, with similar names, if there
    is no such campaign.
    """
    from seedcast.campaigns.campaign_topic import change_campaign

    before, after = change_campaign(settings, campaign_id, change)
    changed = after.state != before.state
    if as_json:
        emit(
            {
                "campaign_id": campaign_id,
                "before": before.state,
                "state": after.state,
                "accepted": after.accepted,
                "changed": changed,
            }
        )
    elif changed:
        out.print(f"{campaign_id}: {after.state}, was {before.state}; {consequence(after)}")
    else:
        out.print(f"{campaign_id}: {after.state} already; nothing to do")
    if after.state != change(before).state:
        err.print(f"  a concurrent command made it {after.state}")
        raise typer.Exit(Exit.INCOMPLETE)
