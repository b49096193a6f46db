"""`campaigns show`: one campaign with its terms, its counts and its errors by code."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from seedcast.cli.base import Json, connected, emit, out, quiet_logs
from seedcast.cli.campaign_rows import campaign_rows
from seedcast.cli.campaigns import as_found, campaigns_app, print_notes
from seedcast.cli.control import CampaignName
from seedcast.cli.index_notes import note

if TYPE_CHECKING:
    from seedcast.storage.index.indexed import IndexedCampaign


@campaigns_app.command("show")
def show_campaign(campaign: CampaignName, as_json: Json = False) -> None:
    """Show one campaign: state, terms, counts, errors by code, and its list's options."""
    from seedcast.storage.index.lookup import campaign_index

    quiet_logs()
    with campaign_index(connected(), campaign, note) as (_, found):
        facts = _facts(found)
    if as_json:
        emit(facts)
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        if value not in (None, {}, (), ""):
            out.print(f"{name.replace('_', ' '):<{width}}  {_said(value)}", markup=False)
    print_notes(facts)


def _facts(found: "IndexedCampaign") -> dict[str, Any]:
    """Return the row of `campaigns`, and more; of a campaign without a record, what results say."""
    record = as_found(found)
    if record is None:
        return {"campaign_id": found.campaign_id, **asdict(found.progress), "errors": found.errors}
    (row,) = campaign_rows([record], datetime.now(UTC))
    staged = record[0].staged
    more = {
        "pruned_at": found.pruned_at,
        "errors": dict(found.errors),
        "rejected": staged.rejected if staged else None,
        "duplicates": staged.duplicates if staged else None,
        "options": staged.options if staged else {},
    }
    return row | more


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(each)}" for name, each in value.items())
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
