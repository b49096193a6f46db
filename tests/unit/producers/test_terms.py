"""On what terms a campaign is fed: what is read, what is refused, and what a change keeps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from seedcast.errors import InvalidInput
from seedcast.producers.feeder.feed import Feed
from seedcast.producers.feeder.outage import Outage
from seedcast.producers.feeder.policy.look_ahead import START
from seedcast.producers.request_topics import RequestTopics
from seedcast.producers.staging.options import SubmitOptions, shown_options
from seedcast.producers.staging.retry import RetryOptions
from seedcast.producers.staging.retry import _deadline as retried_deadline
from seedcast.producers.staging.submit import submit_file
from seedcast.producers.terms import Terms, changed, differing, require_opening, with_terms
from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import LANES
from seedcast.settings import KafkaSettings, Settings
from seedcast.storage.memory_store import MemoryStore
from tests.builders.files import a_file, dry_run
from tests.builders.requests import numbered
from tests.builders.staged import stage

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)  # 20:00 in Shanghai


PARTITIONS = {Settings().topic(lane.requests): 4 for lane in LANES.values()}


def a_campaign(**fields: Any) -> Campaign:
    record = stage(MemoryStore(), "night", [numbered(1)], created_at=NOW)
    return replace(record, **fields)


@pytest.mark.parametrize(
    ("asked", "field", "value"),
    [
        ({"weight": 2.5}, "weight", 2.5),
        ({"tenant": "bank"}, "tenant", "bank"),
        ({"rate": "30/min"}, "rate", 0.5),
        ({"rate": 0.25}, "rate", 0.25),
        ({"rate": "none"}, "rate", None),
        ({"start_at": "2h"}, "start_at", NOW + timedelta(hours=2)),
        ({"start_at": "2026-12-01T20:00+08:00"}, "start_at", NOW),
        ({"start_at": NOW}, "start_at", NOW),
        ({"start_at": "2000-01-01T00:00Z"}, "start_at", datetime(2000, 1, 1, tzinfo=UTC)),
        ({"start_at": "now"}, "start_at", None),
        ({"deadline": "1h30m"}, "deadline", NOW + timedelta(minutes=90)),
        ({"deadline": "none"}, "deadline", None),
        ({"window": "20:00-06:00", "zone": "Asia/Shanghai"}, "window", "20:00-06:00"),
    ],
)
def test_what_is_asked_for_is_changed_and_nothing_else(
    asked: dict[str, Any], field: str, value: object
) -> None:
    before = a_campaign(rate=7.0, start_at=NOW - timedelta(1), deadline=NOW + timedelta(30))
    after = changed(before, Terms(**asked), NOW)
    assert getattr(after, field) == value
    kept = {name: getattr(before, name) for name in asked}
    assert replace(after, **kept) == before


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"weight": 0.0}, "weight; expected a number from 0.01 to 100; got 0"),
        ({"weight": 1e9}, "weight; expected a number from 0.01 to 100; got 1e\\+09"),
        ({"weight": float("nan")}, "weight; expected a number"),
        ({"tenant": "a bank"}, "tenant; expected 1 to 64 letters"),
        ({"tenant": ""}, "tenant; expected 1 to 64 letters"),
        ({"rate": "200"}, "rate; expected requests per s, min, h or d"),
        ({"rate": 0.0}, "rate; expected requests per s, min, h or d"),
        ({"rate": 1e9}, "rate; expected .* got 1e\\+09/s"),
        ({"start_at": "20:00"}, "start; expected an ISO 8601 time with its zone"),
        ({"start_at": "2026-12-01T20:00"}, "which has no zone"),
        ({"start_at": datetime(2026, 12, 1)}, "start; expected an ISO 8601 time with its zone"),
        ({"window": "20:00-06:00"}, "without a zone; add a zone, such as --zone Asia/Shanghai"),
        ({"zone": "Asia/Shanghai"}, "without a window; add a window"),
        ({"window": "20:00-20:00", "zone": "UTC"}, "window; expected one that opens"),
        ({"window": "8-9", "zone": "UTC"}, "window; expected two times of day"),
        ({"window": "20:00-06:00", "zone": "Asia"}, "zone; expected the IANA name"),
    ],
)
def test_what_makes_no_sense_is_refused_before_a_server_is_asked(
    tmp_path: Path, asked: dict[str, Any], refusal: str
) -> None:
    nowhere = Settings(kafka=KafkaSettings(bootstrap="127.0.0.1:1", start_timeout=0.1))
    options = SubmitOptions(campaign="night", voice=1, **asked)
    with pytest.raises(InvalidInput, match=refusal):
        submit_file(nowhere, a_file(tmp_path, "text\nHello.\n"), options)
    with pytest.raises(InvalidInput, match=refusal):
        changed(a_campaign(), Terms(**asked), NOW)


def test_a_list_that_could_not_be_fed_before_its_deadline_is_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path, "text\nHello.\n")
    assert dry_run(path, start_at="1h", deadline="2h").accepted == 1
    with pytest.raises(InvalidInput, match="a time before the deadline"):
        dry_run(path, start_at="2h", deadline="1h")


def test_a_list_submitted_again_after_its_deadline_is_not_refused_for_its_start() -> None:
    late = a_campaign(start_at=NOW + timedelta(1), deadline=NOW - timedelta(1))
    require_opening(late, NOW)


def test_a_window_keeps_its_zone_and_both_go_together() -> None:
    night = a_campaign(window="20:00-06:00", zone="Asia/Shanghai")
    moved = changed(night, Terms(window="21:00-06:00"), NOW)
    assert (moved.window, moved.zone) == ("21:00-06:00", "Asia/Shanghai")
    assert changed(night, Terms(zone="UTC"), NOW).zone == "UTC"
    open_ = changed(night, Terms(window="none"), NOW)
    assert (open_.window, open_.zone) == (None, None)


@pytest.mark.parametrize(
    ("record", "refusal"),
    [
        (a_campaign(state="cancelled"), "got one that is cancelled"),
        (a_campaign(state="completed"), "got one that is completed"),
        (a_campaign(staged=None), "got one of events"),
    ],
)
def test_terms_of_what_is_not_fed_are_refused(record: Campaign, refusal: str) -> None:
    with pytest.raises(InvalidInput, match=refusal):
        changed(record, Terms(weight=2.0), NOW)


def test_a_paused_campaign_stays_paused_on_other_terms() -> None:
    after = changed(a_campaign(state="paused"), Terms(weight=2.0), NOW)
    assert (after.state, after.weight) == ("paused", 2.0)


def test_a_deadline_that_is_past_is_refused_and_so_is_one_before_the_start() -> None:
    with pytest.raises(InvalidInput, match="deadline; expected a moment to come"):
        changed(a_campaign(), Terms(deadline=NOW - timedelta(1)), NOW)
    later = a_campaign(start_at=NOW + timedelta(hours=2))
    with pytest.raises(InvalidInput, match="a time before the deadline"):
        changed(later, Terms(deadline="1h"), NOW)
    assert changed(replace(later, deadline=NOW + timedelta(1)), Terms(weight=2.0), NOW).weight == 2


def test_only_terms_that_were_asked_for_can_differ() -> None:
    campaign = a_campaign(weight=3.0, tenant="bank")
    asked = Terms(weight=2.0, rate="5/s", start_at="2h")
    wanted = with_terms(replace(campaign, weight=1.0), asked, NOW)
    assert differing(asked, wanted, campaign) == ("weight", "rate", "start_at")
    same = Terms(weight=3.0)
    assert differing(same, with_terms(campaign, same, NOW), campaign) == ()
    assert differing(Terms(), campaign, a_campaign()) == ()


def test_terms_are_no_part_of_the_list() -> None:
    terms = {"weight", "tenant", "rate", "start_at", "window", "zone"}
    assert not terms & set(numbered(1).__struct_fields__)


def test_a_retry_that_is_repeated_keeps_the_deadline_of_its_list_not_of_its_campaign() -> None:
    submitted = datetime(2026, 12, 2, 6, 30, 15, 250, tzinfo=UTC)
    campaign = a_campaign(deadline=submitted + timedelta(1))  # changed since
    assert campaign.staged
    shown = shown_options(SubmitOptions(campaign="night", deadline=submitted))
    campaign = replace(campaign, staged=replace(campaign.staged, options=shown))
    options = RetryOptions(campaign="day", name="night")
    assert retried_deadline(Settings(), options, "night", campaign) == submitted


def test_a_window_of_a_zone_that_the_feeder_does_not_know_holds_its_list() -> None:
    store = MemoryStore()
    record = stage(store, "night", [numbered(1)])
    topics = RequestTopics(Settings(), PARTITIONS, None)
    feed = Feed(store, Outage(), topics, record, START)
    flow = feed.open(0.0)
    feed.set_terms(replace(record, window="20:00-06:00", zone="Mars/X"), 0.0)
    assert isinstance(flow.failure, InvalidInput)
    assert not flow.may_feed(0.0)
    feed.set_terms(record, 0.0)
    assert feed.open(0.0).may_feed(0.0)
