"""`campaigns` says what each campaign is doing, its share of the fleet, and since or until when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from seedcast.campaigns.progress import Progress
from seedcast.cli.campaign_rows import COLUMNS, campaign_rows, table
from seedcast.cli.campaigns import print_rows
from seedcast.schemas.messages import Campaign, Cursor
from seedcast.storage.memory_store import MemoryStore
from tests.builders.requests import numbered
from tests.builders.staged import STAGING, stage

NOW = datetime(2026, 12, 1, 2, tzinfo=UTC)  # 10:00 in Shanghai
TEN = Progress(accepted=10)


def a_campaign(name: str = "night", **fields: Any) -> Campaign:
    return replace(stage(MemoryStore(), name, [numbered(n) for n in range(10)]), **fields)


def cursor(fed: int, unfed: tuple[int, ...] = (), held: str | None = None) -> Cursor:
    return Cursor(
        campaign_id="night", staging=STAGING, fed=fed, unfed=unfed, generation=1, held=held
    )


SHANGHAI = {"window": "20:00-06:00", "zone": "Asia/Shanghai"}


@pytest.mark.parametrize(
    ("campaign", "fed_so_far", "activity", "opens_at"),
    [
        (a_campaign(), None, "staged", None),
        (a_campaign(), cursor(4), "feeding", None),
        (a_campaign(), cursor(10, (3,)), "feeding", None),
        (a_campaign(), cursor(10), "fed", None),
        (a_campaign(), cursor(4, held="a part is altered"), "held", None),
        (a_campaign(), cursor(10, held="the index cannot read it"), "held", None),
        (a_campaign(state="paused"), cursor(4), "paused", None),
        (a_campaign(state="cancelled", **SHANGHAI), cursor(4), "cancelled", None),
        (a_campaign(staged=None, state="open"), None, "open", None),
        (a_campaign(**SHANGHAI), cursor(4), "scheduled", "2026-12-01T20:00+08:00"),
        (a_campaign(start_at=NOW - timedelta(1)), None, "staged", None),
        (
            a_campaign(start_at=NOW + timedelta(hours=2)),
            None,
            "scheduled",
            "2026-12-01T04:00+00:00",
        ),
        (
            a_campaign(start_at=NOW + timedelta(days=1), **SHANGHAI),
            None,
            "scheduled",
            "2026-12-02T20:00+08:00",
        ),
    ],
)
def test_what_a_campaign_is_doing(
    campaign: Campaign, fed_so_far: Cursor | None, activity: str, opens_at: str | None
) -> None:
    (row,) = campaign_rows([(campaign, TEN, fed_so_far)], NOW)
    assert (row["activity"], row["opens_at"]) == (activity, opens_at)
    assert (row["share"] is not None) == (activity in ("staged", "feeding"))


def test_a_campaign_whose_every_request_has_a_result_is_completed() -> None:
    (row,) = campaign_rows([(a_campaign(), Progress(accepted=10, succeeded=10), cursor(10))], NOW)
    assert (row["state"], row["activity"], row["fed"]) == ("completed", "completed", 10)


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ("sealed", "night is held: no part 1"),
        (
            "cancelled",
            "night is held: no part 1; until then 6 of its requests cannot end as cancelled",
        ),
    ],
)
def test_what_is_held_says_why_and_of_a_cancelled_campaign_what_cannot_end(
    capsys: pytest.CaptureFixture[str], state: str, line: str
) -> None:
    held = cursor(5, (3,), held="no part 1")
    print_rows(campaign_rows([(a_campaign(state=state), TEN, held)], NOW))
    assert " ".join(capsys.readouterr().err.split()) == line


def test_a_zone_that_this_machine_does_not_know_is_named() -> None:
    (row,) = campaign_rows([(a_campaign(window="20:00-06:00", zone="Mars/X"), TEN, None)], NOW)
    assert "Mars/X" in row["opens_at"]


def test_shares_are_those_of_the_policy_among_what_is_fed() -> None:
    found = [
        a_campaign("a", tenant="bank", weight=3.0),
        a_campaign("b", tenant="bank"),
        a_campaign("c", tenant="clinic"),
        a_campaign("d", tenant="bank", state="paused", weight=100.0),
    ]
    rows = campaign_rows([(campaign, TEN, None) for campaign in found], NOW)
    assert [row["share"] for row in rows] == [0.375, 0.125, 0.5, None]
    titles, cells = table(rows)
    shares = titles.index("share")
    assert [line[shares] for line in cells] == ["38%", "12%", "50%", "–"]


def test_what_is_usual_has_no_column() -> None:
    titles, _ = table(campaign_rows([(a_campaign(), TEN, None)], NOW))
    assert set(COLUMNS.values()) - set(titles) == {"until", "tenant", "weight", "at most"}
    limited = a_campaign(rate=0.5, weight=2.0)
    titles, (cells,) = table(campaign_rows([(limited, TEN, None)], NOW))
    named = dict(zip(titles, cells, strict=True))
    assert (named["at most"], named["weight"]) == ("30/min", "2")
