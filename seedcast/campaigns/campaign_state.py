"""Transitions between states of a campaign, and how concurrent writes are merged. Pure."""

from msgspec.structs import replace

from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Campaign, CampaignState, RequestError

CANCELLED = RequestError(
    code="cancelled", message="its campaign was cancelled before it was spoken"
)


def paused(campaign: Campaign) -> Campaign:
    """Raises InvalidInput if the campaign has ended. A paused campaign stays as it is."""
    _refuse(campaign, ("cancelled", "completed"), "one that is under way")
    return replace(campaign, state="paused")


def resumed(campaign: Campaign) -> Campaign:
    """Raises InvalidInput if the campaign has ended. A running campaign stays as it is."""
    _refuse(campaign, ("cancelled", "completed"), "one that is paused")
    return replace(campaign, state="open" if campaign.accepted is None else "sealed")


def cancelled(campaign: Campaign) -> Campaign:
    """Final. Raises InvalidInput if every request has its outcome already."""
    _refuse(campaign, ("completed",), "one that is under way or paused")
    return replace(campaign, state="cancelled")


def sealed(campaign: Campaign, accepted: int) -> Campaign:
    """Set the number of distinct requests accepted; a paused campaign stays paused."""
    state: CampaignState = "paused" if campaign.state == "paused" else "sealed"
    return replace(campaign, state=state, accepted=accepted)


def merged(known: Campaign | None, record: Campaign) -> Campaign:
    """Return the state after `record`, for a reader that knew `known`.

    Another writer may have written between a writer's read and its write. "cancelled" and
    "completed" are final. The first `accepted` count stays. The record that adds the count comes
    from the submission and does not change paused or running; every other record comes from an
    operator and sets it.
    """
    if known is None:
        return record
    accepted = record.accepted if known.accepted is None else known.accepted
    return replace(record, state=_merged_state(known, record, accepted), accepted=accepted)


def _merged_state(known: Campaign, record: Campaign, accepted: int | None) -> CampaignState:
    if "cancelled" in (known.state, record.state):
        return "cancelled"
    if "completed" in (known.state, record.state):
        return "completed"
    state = known.state if known.accepted != accepted else record.state
    return "sealed" if state == "open" and accepted is not None else state


def _refuse(campaign: Campaign, states: tuple[str, ...], expected: str) -> None:
    if campaign.state not in states:
        return
    remedy = "every request has its outcome; `seedcast results` lists them"
    if campaign.state == "cancelled":
        remedy = "submit the list again as another campaign"
    raise InvalidInput(
        f"campaign {campaign.campaign_id}",
        expected=expected,
        got=f"one that is {campaign.state}",
        remedy=remedy,
    )
