"""When a campaign may be fed, as its record says."""

from seedcast.campaigns.daily_window import parse_window
from seedcast.campaigns.schedule import Schedule
from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Campaign


def schedule_of(campaign: Campaign) -> Schedule:
    """Return when a campaign may be fed. One that is cancelled ends at once.

    Raises InvalidInput if its window, or the zone, is none.
    """
    if campaign.state == "cancelled":
        return Schedule()
    window = parse_window(campaign.window, campaign.zone or "UTC") if campaign.window else None
    start = campaign.start_at.timestamp() if campaign.start_at else None
    return Schedule(start_at=start, window=window)


def is_due(campaign: Campaign, now: float) -> bool:
    """Return False while its start, or its window, is still to come."""
    try:
        return schedule_of(campaign).is_open(now)
    except InvalidInput:  # it is held for that
        return True
