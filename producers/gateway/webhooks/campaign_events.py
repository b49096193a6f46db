"""What has happened to a campaign, by its present state."""

from datetime import datetime
from typing import Any

import msgspec

from seedcast.campaigns.campaign_state import FINAL
from seedcast.producers.gateway.campaigns import view
from seedcast.storage.accounts.outbox import Event
from seedcast.storage.accounts.webhooks import CampaignEvent
from seedcast.storage.index.indexed import IndexedCampaign


def events_of(found: IndexedCampaign, now: datetime) -> list[Event]:
    """Return all events of a campaign so far, in their order; none of one that has no list."""
    record = found.campaign
    if record is None or record.staged is None:
        return []
    return [
        Event(
            tenant=record.tenant,
            subject=f"campaign {found.campaign_id}",
            type=event,
            data=_data(found),
        )
        for event in _happened(found, now)
    ]


def deadline_of(found: IndexedCampaign) -> datetime | None:
    """Return the deadline that a campaign may still miss."""
    record = found.campaign
    if record is None or record.staged is None or record.state in FINAL:
        return None
    return record.deadline


def _happened(found: IndexedCampaign, now: datetime) -> list[CampaignEvent]:
    record = found.campaign
    if record is None:
        return []
    happened = list[CampaignEvent]()
    if found.fed or found.progress.finished or record.state == "completed":
        happened.append("campaign.started")
    if record.deadline is not None and record.deadline <= now and _missed(found):
        happened.append("campaign.late")
    if record.state == "completed":
        happened.append("campaign.completed")
    if record.state == "cancelled":
        happened.append("campaign.cancelled")
    return happened


def _missed(found: IndexedCampaign) -> bool:
    """Return True if requests wait after the deadline, or were too late while nobody looked."""
    is_open = found.campaign is not None and found.campaign.state not in FINAL
    accepted = found.progress.accepted
    waits = accepted is None or found.progress.finished < accepted
    return (is_open and waits) or found.progress.expired > 0


def _data(found: IndexedCampaign) -> dict[str, Any]:
    """Return the campaign as GET /v1/campaigns/{id} shows it."""
    return {"id": found.campaign_id, **msgspec.to_builtins(view(found))}
