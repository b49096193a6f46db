"""Transitions between states of a campaign, and how concurrent writes are merged. Pure."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict, replace

from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Campaign, CampaignState, Outputs, RequestError

CANCELLED = RequestError(
    code="cancelled", message="its campaign was cancelled before it was spoken"
)

FINAL: frozenset[CampaignState] = frozenset({"cancelled", "completed"})


def paused(campaign: Campaign) -> Campaign:
    """Raises InvalidInput if the campaign has ended, or has no list whose feeding could stop.

    A paused campaign stays as it is.
    """
    _refuse(campaign, ("cancelled", "completed"), "one that is under way")
    if campaign.staged is None:
        raise InvalidInput(
            f"campaign {campaign.campaign_id}",
            expected="one with a staged list, whose feeding a pause stops",
            got="one of events: its requests are on the requests topics already",
            remedy="let it be spoken, or `seedcast cancel` it",
        )
    return replace(campaign, state="paused")


def resumed(campaign: Campaign) -> Campaign:
    """Raises InvalidInput if the campaign has ended. A running campaign stays as it is."""
    _refuse(campaign, ("cancelled", "completed"), "one that is paused")
    return replace(campaign, state="open" if campaign.accepted is None else "sealed")


def cancelled(campaign: Campaign, *, has_open: bool = False) -> Campaign:
    """Final. Raises InvalidInput if every request has its outcome already.

    `has_open`: a request has none, whatever the record says.
    """
    _refuse(campaign, () if has_open else ("completed",), "one that is under way or paused")
    return replace(campaign, state="cancelled")


def completed(campaign: Campaign, outputs: Outputs) -> Campaign:
    """Every row of its list has its result, and `outputs` say which. "cancelled" stays."""
    state = campaign.state if campaign.state == "cancelled" else "completed"
    return replace(campaign, state=state, outputs=outputs)


def require_feeding(campaign: Campaign) -> None:
    """Raises InvalidInput if terms of feeding mean nothing: it has ended, or has no list."""
    _refuse(campaign, ("cancelled", "completed"), "one that is under way or paused")
    if campaign.staged is None:
        raise InvalidInput(
            f"campaign {campaign.campaign_id}",
            expected="one of a list, which the feeder releases row by row",
            got="one of events, which wait for no feeder",
        )


def differences(before: Campaign, after: Campaign) -> dict[str, Any]:
    """Return the fields of `after` that differ."""
    known = asdict(before)
    return {name: value for name, value in asdict(after).items() if value != known[name]}


def merged(known: Campaign | None, record: Campaign) -> Campaign:
    """Return the state after `record`, for a reader that knew `known`.

    Another writer may have written between a writer's read and its write. The first list stays: a
    record with another one is that of a submission that came second, and changes nothing.
    "cancelled" and "completed" are final, but "completed" yields to "cancelled". Every other record
    is an operator's, and sets the state; one of a version that knows no lists sets nothing else.
    Outputs stay, unless others are named.
    """
    if known is None:
        return record
    if record.staged is not None and record.staged != known.staged:
        return known
    accepted = record.accepted if known.accepted is None else known.accepted
    # Of a record that knows no list, only the state counts.
    kept = known if known.staged is not None and record.staged is None else record
    outputs = known.outputs if kept.outputs is UNSET else kept.outputs
    state = _merged_state(known, record, accepted)
    return replace(kept, state=state, accepted=accepted, outputs=outputs)


def _merged_state(known: Campaign, record: Campaign, accepted: int | None) -> CampaignState:
    if "cancelled" in (known.state, record.state):
        return "cancelled"
    if known.state == "completed":
        return "completed"
    # A version that knows no lists completes a campaign by a count, which may be one of strays.
    if record.state == "completed":
        return "completed" if record.staged == known.staged else known.state
    return "sealed" if record.state == "open" and accepted is not None else record.state


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
