"""`pause`, `resume` and `cancel`: what an operator decides about a campaign that is under way."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import Exit, Json, app, connected, emit, err, out, quiet_logs
from seedcast.settings import Settings

if TYPE_CHECKING:
    from schemas.messages import Campaign

CampaignName = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="Its name, as `seedcast campaigns` lists it.")
]


@app.command(rich_help_panel="Daily work")
def pause(campaign: CampaignName, as_json: Json = False) -> None:
    """Hold a campaign back: what is in a slot is finished, the rest waits and keeps nobody else waiting."""
    from seedcast.campaigns import campaign_state

    _apply(
        campaign,
        campaign_state.paused,
        f"what is being spoken is finished; the rest waits until `seedcast resume {campaign}`",
        as_json,
    )


@app.command(rich_help_panel="Daily work")
def resume(campaign: CampaignName, as_json: Json = False) -> None:
    """Let a paused campaign go on."""
    from seedcast.campaigns import campaign_state

    _apply(campaign, campaign_state.resumed, "the GPU consumers put back what waits", as_json)


@app.command(rich_help_panel="Daily work")
def cancel(
    campaign: CampaignName,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until every accepted request has its outcome.")
    ] = False,
    as_json: Json = False,
) -> None:
    """End a campaign, for ever: what is not delivered yet ends as cancelled, and what was delivered stays."""
    from seedcast.campaigns import campaign_state
    from seedcast.cli.campaigns import follow

    settings = _apply(
        campaign,
        campaign_state.cancelled,
        "what is not delivered yet ends as cancelled; what was delivered stays",
        as_json,
    )
    if wait:
        follow(settings, campaign, as_json)


def _apply(
    campaign_id: str, change: Callable[["Campaign"], "Campaign"], next_: str, as_json: bool
) -> Settings:
    """Exit code 1 where somebody else decided otherwise in the same moment. Raises InvalidInput, naming what is near."""
    from seedcast.campaigns.campaign_topic import alter

    quiet_logs()
    settings = connected()
    before, after = alter(settings, campaign_id, change)
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
        out.print(f"{campaign_id}: {after.state}, was {before.state}; {next_}", soft_wrap=True)
    else:
        out.print(f"{campaign_id}: {after.state} already; nothing to do", soft_wrap=True)
    if after.state != change(before).state:
        err.print(f"  somebody else made it {after.state} in the same moment")
        raise typer.Exit(Exit.INCOMPLETE)
    return settings
