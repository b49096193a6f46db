"""What may become of a campaign's state, and what a reader makes of writers that raced. Pure."""

from msgspec.structs import replace

from schemas.messages import Campaign, CampaignState, RequestError
from seedcast.errors import InvalidInput

CANCELLED = RequestError(
    code="cancelled", message="its campaign was cancelled before it was spoken"
)


def paused(campaign: Campaign) -> Campaign:
    """The same where it is paused already. Raises InvalidInput where there is nothing left to hold back."""
    _refuse(campaign, ("cancelled", "completed"), "one that is under way")
    return replace(campaign, state="paused")


def resumed(campaign: Campaign) -> Campaign:
    """The same where it is under way already. Raises InvalidInput where it has ended."""
    _refuse(campaign, ("cancelled", "completed"), "one that is paused")
    return replace(campaign, state="open" if campaign.accepted is None else "sealed")


def cancelled(campaign: Campaign) -> Campaign:
    """For ever; the same where it is cancelled already. Raises InvalidInput where every request has its outcome."""
    _refuse(campaign, ("completed",), "one that is under way or paused")
    return replace(campaign, state="cancelled")


def sealed(campaign: Campaign, accepted: int) -> Campaign:
    """With the number of distinct requests that it accepted; a paused one stays paused."""
    return replace(
        campaign, state="paused" if campaign.state == "paused" else "sealed", accepted=accepted
    )


def merged(known: Campaign | None, record: Campaign) -> Campaign:
    """What holds after `record`, for whoever knew `known`. Each writer reads, decides and writes; others may write in between.

    Cancelled and completed are final. The accepted count stays as it was first known. The record that brings the count
    is the submission's, which does not decide whether the campaign is paused; any other record is an operator's, who does.
    """
    if known is None:
        return record
    accepted = record.accepted if known.accepted is None else known.accepted
    return replace(record, state=_state(known, record, accepted), accepted=accepted)


def _state(known: Campaign, record: Campaign, accepted: int | None) -> CampaignState:
    if "cancelled" in (known.state, record.state):
        return "cancelled"
    if "completed" in (known.state, record.state):
        return "completed"
    decided = known.state if known.accepted != accepted else record.state
    return "sealed" if decided == "open" and accepted is not None else decided


def _refuse(campaign: Campaign, states: tuple[str, ...], expected: str) -> None:
    if campaign.state in states:
        remedy = (
            "submit the list again as another campaign"
            if campaign.state == "cancelled"
            else "every request of it has its outcome: see `seedcast results`"
        )
        raise InvalidInput(
            f"campaign {campaign.campaign_id}",
            expected=expected,
            got=f"one that is {campaign.state}",
            remedy=remedy,
        )
