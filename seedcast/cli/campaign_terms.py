"""`campaigns set`: change on what terms a campaign is fed, while it runs."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedcast.cli.base import Json, connected, emit, err, out, quiet_logs
from seedcast.cli.campaigns import campaigns_app
from seedcast.cli.control import CampaignName
from seedcast.cli.exit_codes import Exit
from seedcast.cli.term_options import Rate, StartAt, Tenant, Weight, Window, Zone

if TYPE_CHECKING:
    from seedcast.producers.terms import Terms
    from seedcast.schemas.messages import Campaign

TERMS = ("weight", "tenant", "rate", "start_at", "window", "zone", "deadline")


@campaigns_app.command("set")
def set_terms(
    campaign: CampaignName,
    weight: Weight = None,
    tenant: Tenant = None,
    rate: Rate = None,
    start_at: StartAt = None,
    window: Window = None,
    zone: Zone = None,
    deadline: Annotated[
        str | None,
        typer.Option(
            help="Near it, the campaign gains on others of its tenant: ISO 8601 with zone, '2h'"
            " from now, or 'none'. Each request keeps its own, by which it expires."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Change the terms on which a campaign is fed. What is not named stays as it is.

    It counts within seconds, for rows that are not fed yet.
    Refused where a campaign has ended, or is one of events, which wait for no feeder.
    """
    from seedcast.campaigns.campaign_topic import change_campaign
    from seedcast.producers.terms import Terms, changed, fields_of

    quiet_logs()
    asked = Terms(
        weight=weight,
        tenant=tenant,
        rate=rate,
        start_at=start_at,
        window=window,
        zone=zone,
        deadline=deadline,
    )
    _require_some(asked)
    now = datetime.now(UTC)
    fields_of(asked, now)  # raises what is wrong before servers are asked
    wanted = dict[str, Any]()

    def change(record: "Campaign") -> "Campaign":
        after = changed(record, asked, now)
        wanted.update(_terms(after))
        return after

    before, after = change_campaign(connected(store=False), campaign, change)
    _show(campaign, _terms(before), _terms(after), as_json)
    lost = [name for name in asked.asked if _terms(after)[name] != wanted[name]]
    if lost:
        err.print(f"  a concurrent command changed {', '.join(lost)}, too")
        raise typer.Exit(Exit.INCOMPLETE)


def _require_some(asked: "Terms") -> None:
    if not asked.asked:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in asdict(asked))
        raise typer.BadParameter(f"expected at least one of {names}, got none")


def _terms(record: "Campaign") -> dict[str, Any]:
    return {name: getattr(record, name) for name in TERMS}


def _show(campaign_id: str, before: dict[str, Any], after: dict[str, Any], as_json: bool) -> None:
    differing = [name for name in TERMS if before[name] != after[name]]
    if as_json:
        changed = bool(differing)
        emit({"campaign_id": campaign_id, "before": before, **after, "changed": changed})
        return
    if not differing:
        out.print(f"{campaign_id}: these are its terms already; nothing to do", markup=False)
    for name in differing:
        line = f"{campaign_id}: {name.replace('_', ' ')} {said(before, name)}"
        out.print(f"{line} → {said(after, name)}", markup=False)


def said(terms: dict[str, Any], name: str) -> str:
    """Return a term as it would be written."""
    from seedcast.producers.feeder.policy.rate_limit import format_rate

    value = terms[name]
    if value is None:
        return "now" if name == "start_at" else "none"
    if name == "rate":
        return format_rate(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return f"{value:g}" if isinstance(value, float) else str(value)
