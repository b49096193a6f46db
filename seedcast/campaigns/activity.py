"""What is done with a campaign at a moment, as its record and the feeder's cursor say. Pure."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from seedcast.campaigns.cursor_topic import rows_fed
from seedcast.campaigns.opening import schedule_of
from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Campaign, CampaignState, Cursor

Doing = Literal[
    CampaignState,  # of what is paused or has ended, and of a campaign without a list
    "held",  # the rest of its list cannot be fed
    "scheduled",  # its start, or its window, is to come
    "staged",  # nothing is fed yet
    "feeding",
    "fed",
]


@dataclass(frozen=True)
class Activity:
    doing: Doing
    opens_at: datetime | None = None  # when it may be fed, in its own zone; scheduled ones only
    problem: str = ""  # why that is not known


def activity(
    record: Campaign, cursor: Cursor | None, now: datetime, state: CampaignState | None = None
) -> Activity:
    """`state`: that of the record unless more is known."""
    state = state or record.state
    if record.staged is None or state != "sealed":
        return Activity(state)
    if cursor and cursor.held:
        return Activity("held")
    if cursor and rows_fed(cursor) >= (record.accepted or 0):
        return Activity("fed")
    return _scheduled(record, now) or Activity("feeding" if cursor and cursor.fed else "staged")


def _scheduled(record: Campaign, now: datetime) -> Activity | None:
    try:
        schedule = schedule_of(record)
    except InvalidInput as error:  # this machine may not know its zone
        return Activity("scheduled", problem=str(error))
    if schedule.is_open(now.timestamp()):
        return None
    opening = datetime.fromtimestamp(schedule.opening(now.timestamp()), _zone(record))
    return Activity("scheduled", opening)


def _zone(record: Campaign) -> tzinfo | None:
    """Return the zone in which people think of its start."""
    if record.zone:
        return ZoneInfo(record.zone)
    return record.start_at.tzinfo if record.start_at else None
