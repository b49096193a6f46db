"""Why a row of a list is not fed yet. Pure."""

from datetime import datetime

from seedcast.campaigns.activity import Activity, activity
from seedcast.schemas.messages import Campaign, Cursor


def why_unfed(record: Campaign, cursor: Cursor | None, position: int, now: datetime) -> str:
    """`position`: how many rows of the list are before it."""
    found = activity(record, cursor, now)
    if found.doing in ("cancelled", "paused"):
        return f"its campaign is {found.doing}, and the row was not fed"
    if cursor and cursor.held:
        return f"its list is held: {cursor.held}"
    if found.doing == "scheduled":
        return f"its campaign is scheduled: {_opening(record, found)}; {_before(cursor, position)}"
    if cursor and position < cursor.fed:
        return "its partition of the requests topics is full; it is fed when there is room"
    return f"for the feeder; {_before(cursor, position)}{_limit(record)}"


def _opening(record: Campaign, found: Activity) -> str:
    if found.opens_at is None:
        return found.problem
    window = f", in its window {record.window} {record.zone or 'UTC'}" if record.window else ""
    return f"nothing is fed before {found.opens_at.isoformat(timespec='minutes')}{window}"


def _limit(record: Campaign) -> str:
    return f"; its campaign is fed at most {record.rate:g} a second" if record.rate else ""


def _before(cursor: Cursor | None, position: int) -> str:
    if cursor and position < cursor.fed:
        return "it is among the next rows"
    return f"{position - (cursor.fed if cursor else 0):,} rows of its list before it"
