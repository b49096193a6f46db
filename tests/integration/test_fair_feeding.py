"""Campaigns share a fleet fairly, on a real Kafka, with real feeders and espeak."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from seedcast.campaigns import campaign_state, campaign_topic
from seedcast.campaigns.campaign_topic import announce, change_campaign, read_campaigns
from seedcast.campaigns.subscription import read_results
from seedcast.codec import decode_request, decode_result
from seedcast.kafka import TopicReader
from seedcast.producers.staging.options import SubmitOptions, SubmitReport
from seedcast.producers.staging.run import Came
from seedcast.producers.staging.submit import submit_requests
from seedcast.producers.terms import Terms, changed
from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import REQUESTS, RESULTS
from seedcast.settings import Settings
from tests.builders.deployments import Spawn, ready, rows, run
from tests.builders.feeding import wait
from tests.builders.topics import producer
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

FEEDER, GPU, POSTPROCESS = ["run", "feeder"], ["run", "gpu-consumer"], ["run", "postprocess"]


def people(number: int) -> Iterator[Came]:
    for n in range(number):
        text = f"Dear customer {n}, your parcel is at the door. Thank you for your patience."
        yield {"id": f"p-{n}", "text": text, "voice": str(n % 8)}


def submit(settings: Settings, campaign: str, number: int, **terms: object) -> SubmitReport:
    options = SubmitOptions(campaign=campaign, id_column="id", profiles=("wav",), **terms)  # type: ignore[arg-type]
    report = submit_requests(settings, people(number), options)
    assert report.accepted == number
    return report


def spoken(settings: Settings, campaign: str) -> int:
    return sum(1 for _ in read_results(settings, campaign))


def row_of(settings: Settings, campaign: str) -> dict[str, object]:
    found = rows(run(settings, "campaigns", "--json"))
    return next(row for row in found if row["campaign_id"] == campaign)


def times(settings: Settings, campaign: str) -> list[float]:
    """Return when each result of the campaign was sent, in seconds."""
    with TopicReader(settings, settings.topic(RESULTS)) as reader:
        sent = [
            record.timestamp_ms / 1000
            for record in reader.to_end()
            if decode_result(record.value).campaign_id == campaign
        ]
    return sorted(sent)


def fed(settings: Settings, campaign: str) -> list[float]:
    """Return when each request of the campaign was fed, in seconds."""
    with TopicReader(settings, settings.topic(REQUESTS)) as reader:
        sent = [
            record.timestamp_ms / 1000
            for record in reader.to_end()
            if decode_request(record.value).campaign_id == campaign
        ]
    return sorted(sent)


@pytest.fixture
def fleet(settings: Settings, seedcast: Spawn) -> Settings:
    """A feeder that keeps one second ahead, and a small fleet."""
    seedcast(FEEDER, settings, SEEDCAST_FEEDER_AHEAD="1")
    seedcast(GPU, settings, SEEDCAST_GPU_SLOTS="4")
    seedcast(POSTPROCESS, settings)
    # Without workers the feeder feeds 64 rows per partition, which would be most of a campaign.
    eventually(lambda: ready(settings, "gpu-consumer"), what="the GPU consumer")
    return settings


def test_a_small_campaign_of_another_tenant_is_done_long_before_a_large_one(
    fleet: Settings,
) -> None:
    submit(fleet, "large", 240, tenant="bank")
    eventually(lambda: spoken(fleet, "large") > 0, what="the first of the large one")
    submit(fleet, "small", 24, tenant="clinic")
    shares = {row["campaign_id"]: row["share"] for row in rows(run(fleet, "campaigns", "--json"))}
    wait(fleet, "small")
    assert shares == {"large": 0.5, "small": 0.5}
    wait(fleet, "large")
    small, large = fed(fleet, "small"), fed(fleet, "large")
    beside = sum(small[0] <= at <= small[-1] for at in large)
    assert beside < 60, "the small one waited for the large one"  # 24 are an equal share
    assert times(fleet, "small")[-1] < times(fleet, "large")[-1]


@pytest.mark.slow
def test_a_pause_and_a_resumption_take_effect_within_the_feed_ahead(fleet: Settings) -> None:
    submit(fleet, "large", 300)
    eventually(lambda: spoken(fleet, "large") > 20, what="the first of it")
    assert run(fleet, "pause", "large").returncode == 0
    paused_at = time.time()
    submit(fleet, "small", 20)
    wait(fleet, "small")  # the feeder has seen the pause, and what was fed before is over
    assert times(fleet, "large")[-1] - paused_at < 12  # a machine with two busy cores
    row = row_of(fleet, "large")
    assert (row["activity"], row["share"]) == ("paused", None)
    assert int(str(row["fed"])) < 300
    change_campaign(fleet, "large", campaign_state.resumed)
    assert wait(fleet, "large").succeeded == 300


@pytest.mark.slow
def test_a_campaign_that_starts_later_is_scheduled_and_then_starts(fleet: Settings) -> None:
    start = datetime.now(UTC) + timedelta(seconds=25)
    submit(fleet, "later", 10, start_at=start)
    submit(fleet, "now", 10)
    wait(fleet, "now")
    row = row_of(fleet, "later")
    assert (row["activity"], row["fed"], row["share"]) == ("scheduled", 0, None)
    assert str(row["opens_at"]) == start.isoformat(timespec="minutes")
    wait(fleet, "later")
    assert times(fleet, "later")[0] >= start.timestamp()


def test_a_start_is_brought_forward_while_it_waits(fleet: Settings) -> None:
    submit(fleet, "later", 10, start_at="12h")
    (change,) = rows(run(fleet, "campaigns", "set", "later", "--start-at", "now", "--json"))
    assert (change["changed"], change["start_at"]) == (True, None)
    assert wait(fleet, "later").succeeded == 10


def test_a_rate_is_kept_until_it_is_taken_away(fleet: Settings) -> None:
    submit(fleet, "slow", 60, rate="30/min")
    eventually(lambda: spoken(fleet, "slow") >= 6, what="the first of it")
    sent = fed(fleet, "slow")
    assert sent[5] - sent[0] >= 7, "six requests take at least eight seconds"
    assert row_of(fleet, "slow")["rate_limit"] == 0.5
    assert (
        "slow: rate 30/min → none"
        in run(fleet, "campaigns", "set", "slow", "--rate", "none").stdout
    )
    began = time.monotonic()
    assert wait(fleet, "slow").succeeded == 60
    assert time.monotonic() - began < 60, "54 requests at that rate take 108 seconds"


@pytest.mark.slow
def test_a_weight_counts_while_the_campaign_runs(fleet: Settings) -> None:
    submit(fleet, "light", 400)
    submit(fleet, "heavy", 400)
    eventually(
        lambda: spoken(fleet, "light") > 20 and spoken(fleet, "heavy") > 20, what="both of them"
    )
    changed_at = {name: spoken(fleet, name) for name in ("light", "heavy")}
    assert "weight 1 → 20" in run(fleet, "campaigns", "set", "heavy", "--weight", "20").stdout
    wait(fleet, "heavy")
    heavy = 400 - changed_at["heavy"]
    light = spoken(fleet, "light") - changed_at["light"]
    assert light < heavy / 2, "the new weight did not count"
    change_campaign(fleet, "light", campaign_state.cancelled)
    wait(fleet, "light")


def test_the_same_list_on_other_terms_is_submitted_already(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,text,voice\na,Hello.,1\n")
    command = ("submit", path, "--campaign", "night", "--id-column", "id")
    first = run(settings, *command, "--weight", "2", "--start-at", "2026-01-01T20:00+08:00")
    assert first.returncode == 0, first.stderr
    record = read_campaigns(settings)["night"]
    assert (record.weight, record.tenant, record.rate) == (2, "default", None)
    assert record.start_at == datetime.fromisoformat("2026-01-01T20:00+08:00")
    again = run(settings, *command, "--weight", "3", "--tenant", "bank")
    assert "already submitted, 1 accepted" in again.stdout
    assert "its tenant and weight stay as they are: `seedcast campaigns set night`" in again.stderr
    same = run(settings, *command, "--weight", "2", "--json")
    assert json.loads(same.stdout)["other_terms"] == []
    assert read_campaigns(settings)["night"] == record


def test_terms_of_what_has_ended_or_of_events_are_refused(settings: Settings) -> None:
    submit(settings, "night", 1)
    now = datetime.now(UTC)
    events = Campaign(campaign_id="alerts", state="open", created_at=now)
    announce(producer(settings), settings, events)
    refused = run(settings, "campaigns", "set", "alerts", "--weight", "2")
    assert (refused.returncode, "one of events" in refused.stderr) == (2, True)
    change_campaign(settings, "night", campaign_state.cancelled)
    refused = run(settings, "campaigns", "set", "night", "--weight", "2")
    assert (refused.returncode, "one that is cancelled" in refused.stderr) == (2, True)


@pytest.mark.parametrize("others", [["pause"], ["pause", "rate"]])
def test_changes_at_the_same_time_are_all_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, others: list[str]
) -> None:
    """Others write after this one has read, and before it writes: here and again for its repair."""
    submit(settings, "night", 1)
    known = read_campaigns(settings)["night"]
    their = {
        "pause": campaign_state.paused(known),
        "rate": replace(known, rate=5.0, weight=2.0, state="paused"),
    }
    pending = list(others)

    def late(sender: object, of: Settings, campaign: Campaign) -> int | None:
        if pending:
            announce(producer(settings), settings, their[pending.pop(0)])
        return announce(producer(settings), settings, campaign)

    monkeypatch.setattr(campaign_topic, "announce", late)
    _, after = change_campaign(
        settings, "night", lambda record: changed(record, Terms(weight=2.0), datetime.now(UTC))
    )
    assert (after.state, after.weight) == ("paused", 2.0)
    assert after.rate == (5.0 if "rate" in others else None)
    assert read_campaigns(settings)["night"] == after


def test_a_cancellation_at_the_same_time_holds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(settings, "night", 1)
    pending = [campaign_state.cancelled(read_campaigns(settings)["night"])]

    def late(sender: object, of: Settings, campaign: Campaign) -> int | None:
        for other in pending:
            announce(producer(settings), settings, other)
        pending.clear()
        return announce(producer(settings), settings, campaign)

    monkeypatch.setattr(campaign_topic, "announce", late)
    _, after = change_campaign(settings, "night", campaign_state.paused)
    assert after.state == "cancelled"
    with campaign_topic.Campaigns(settings) as campaigns:
        campaigns.catch_up()
    assert (campaigns.records["night"], campaigns.disputed) == (after, set())
