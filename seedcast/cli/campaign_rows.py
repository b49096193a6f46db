"""A row per campaign: what it is doing, its share of the fleet, and its progress."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedcast.campaigns.activity import Activity
    from seedcast.campaigns.progress import Progress
    from seedcast.schemas.messages import Campaign, Cursor

    Found = tuple[Campaign, Progress, Cursor | None]

# A column whose cells are all empty is left out.
COLUMNS = {
    "campaign_id": "campaign",
    "activity": "state",
    "opens_at": "until",
    "share": "share",
    "accepted": "accepted",
    "fed": "fed",
    "succeeded": "ok",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
    "audio_seconds": "audio s",
    "rate": "per s",
    "seconds_left": "left s",
    "tenant": "tenant",
    "weight": "weight",
    "rate_limit": "at most",
}
# Columns of least worth: what the others do not need to be understood.
STACKED_FIRST = ("at most", "weight", "tenant", "audio s", "per s", "until", "cancelled", "expired")
USUAL = {"tenant": "default", "weight": 1.0, "rate_limit": None, "opens_at": None}
FED = ("staged", "feeding")  # what shares the fleet


def campaign_rows(found: Sequence["Found"], now: datetime) -> list[dict[str, Any]]:
    """Return the facts of each campaign's record, and its progress."""
    rows = [_row(*each, now) for each in found]
    _add_shares([record for record, *_ in found], rows)
    return rows


def table(rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Return titles and cells."""
    cells = {name: [_cell(name, row[name]) for row in rows] for name in COLUMNS}
    shown = [name for name in COLUMNS if any(cells[name])]
    lines = zip(*(cells[name] for name in shown), strict=True)
    return [COLUMNS[name] for name in shown], [list(line) for line in lines]


def _row(
    record: "Campaign", progress: "Progress", cursor: "Cursor | None", now: datetime
) -> dict[str, Any]:
    """Return one row, still without its share. A paused campaign has no time left to tell."""
    from seedcast.campaigns.activity import activity
    from seedcast.campaigns.cursor_topic import rows_fed

    state = record.state
    if progress.complete and state == "sealed":
        state = "completed"
    found = activity(record, cursor, now, state)
    return {
        "campaign_id": record.campaign_id,
        "state": state,
        "activity": found.doing,
        "opens_at": _until(found),
        "share": None,
        **asdict(progress),
        "seconds_left": None if state == "paused" else progress.seconds_left,
        "fed": rows_fed(cursor),
        "held": cursor.held if cursor else None,
        "tenant": record.tenant,
        "weight": record.weight,
        "rate_limit": record.rate,
        "start_at": record.start_at,
        "window": record.window,
        "zone": record.zone,
        "deadline": record.deadline,
        "created_at": record.created_at,
    }


def _until(found: "Activity") -> str | None:
    return found.opens_at.isoformat(timespec="minutes") if found.opens_at else found.problem or None


def _add_shares(records: Sequence["Campaign"], rows: Sequence[dict[str, Any]]) -> None:
    from seedcast.producers.feeder.policy.fair_order import Terms, shares

    fed = [(r, row) for r, row in zip(records, rows, strict=True) if row["activity"] in FED]
    terms = (Terms(tenant=record.tenant, weight=record.weight) for record, _ in fed)
    for (_, row), share in zip(fed, shares(terms), strict=True):
        row["share"] = share


def _cell(name: str, value: Any) -> str:
    if name in USUAL and value == USUAL[name]:
        return ""
    if value is None:
        return "–"
    if name == "share":
        return f"{value:.0%}" if value >= 0.01 else "<1%"
    if name == "rate_limit":
        from seedcast.producers.feeder.policy.rate_limit import format_rate

        return format_rate(value)
    if name == "weight":
        return f"{value:g}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
