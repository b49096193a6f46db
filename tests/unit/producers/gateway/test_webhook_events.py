"""What is told of a campaign, and when an endpoint that fails is called again."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from seedcast.campaigns.progress import Progress
from seedcast.producers.gateway.webhooks.campaign_events import deadline_of, events_of
from seedcast.producers.gateway.webhooks.retrying import FIRST, LONGEST, next_attempt
from seedcast.schemas.messages import Campaign, CampaignState
from seedcast.storage.index.indexed import IndexedCampaign
from tests.builders.indexed import listed

NOW = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
PAST, FUTURE = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
PATIENCE = timedelta(hours=72)


def campaign(
    state: CampaignState = "sealed",
    deadline: datetime | None = None,
    fed: int = 0,
    **statuses: int,
) -> IndexedCampaign:
    record = msgspec.structs.replace(listed("night", 5, state), deadline=deadline, tenant="bank")
    return indexed(record, fed, **statuses)


def indexed(record: Campaign, fed: int = 0, **statuses: int) -> IndexedCampaign:
    progress = Progress(accepted=record.accepted, **statuses)
    return IndexedCampaign(
        campaign_id=record.campaign_id,
        campaign=record,
        progress=progress,
        errors={},
        fed=fed,
        held=None,
        list_state="loaded",
    )


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (campaign(), []),
        (campaign(deadline=FUTURE), []),
        (campaign(fed=1), ["started"]),
        (campaign(succeeded=1), ["started"]),
        (campaign(deadline=PAST), ["late"]),
        (campaign("paused", deadline=PAST, fed=2), ["started", "late"]),
        (campaign(deadline=PAST, fed=5, succeeded=5), ["started"]),
        (campaign("completed", fed=5, succeeded=5), ["started", "completed"]),
        (campaign("completed", deadline=PAST, succeeded=5), ["started", "completed"]),
        (
            campaign("completed", deadline=PAST, succeeded=4, expired=1),
            ["started", "late", "completed"],
        ),
        (campaign("cancelled"), ["cancelled"]),
        (campaign("cancelled", fed=1, cancelled=5), ["started", "cancelled"]),
    ],
)
def test_a_campaign_tells_what_has_happened_in_order(
    found: IndexedCampaign, told: list[str]
) -> None:
    events = events_of(found, NOW)
    assert [event.type for event in events] == [f"campaign.{each}" for each in told]
    assert {event.tenant for event in events} <= {"bank"}
    assert {event.subject for event in events} <= {"campaign night"}


def test_it_is_told_as_it_is_shown() -> None:
    [event] = events_of(campaign(fed=3, succeeded=2), NOW)
    data = event.data
    shown = {"id": "night", "campaign_id": "night", "state": "sealed", "succeeded": 2, "fed": 3}
    assert shown.items() <= data.items()
    assert msgspec.json.encode(data)


def test_a_campaign_of_events_tells_nothing() -> None:
    record = Campaign(campaign_id="e", state="open", created_at=NOW, deadline=PAST)
    assert events_of(indexed(record, succeeded=1), NOW) == []
    assert deadline_of(indexed(record)) is None


def test_a_deadline_can_be_missed_until_the_end() -> None:
    assert deadline_of(campaign(deadline=PAST)) == PAST
    assert deadline_of(campaign("completed", deadline=PAST)) is None


def pauses(chance: float) -> list[timedelta]:
    """Return the time between attempts that all fail at once."""
    found, now, attempts = list[timedelta](), NOW, 0
    while True:
        attempts += 1
        again = next_attempt(attempts, NOW, now, PATIENCE, lambda: chance)
        if again is None:
            return found
        found.append(again - now)
        now = again


def test_it_is_called_ever_less_often_for_three_days() -> None:
    longest = pauses(0.0)
    assert longest[0] == FIRST
    assert longest[:-1] == sorted(longest[:-1])
    assert max(longest) == LONGEST
    assert sum(longest, timedelta()) == PATIENCE
    assert 15 <= len(longest) <= 25


def test_chance_spreads_the_calls() -> None:
    shortest = pauses(1.0)
    assert shortest[0] == FIRST / 2
    assert sum(shortest, timedelta()) == PATIENCE
