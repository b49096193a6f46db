"""The policy as a whole, on a simulated fleet and a simulated clock."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from benchmarks.simulated_fleet import (
    Row,
    Shape,
    SimulatedFleet,
    rows_of,
    seconds_by_campaign,
)
from seedcast.campaigns.daily_window import parse_window
from seedcast.campaigns.schedule import Schedule
from seedcast.errors import ListDamaged, StoreUnavailable
from seedcast.producers.feeder.policy.depth import IDLE_ROWS, Depth
from seedcast.producers.feeder.policy.fair_order import Terms, shares
from seedcast.producers.feeder.policy.flow import Flow
from seedcast.producers.feeder.policy.look_ahead import LookAhead
from seedcast.producers.feeder.policy.rate_limit import RateLimit
from seedcast.producers.feeder.policy.release import Release

SMALL = Shape(workers=4, slots=8, partitions=8)
EVERYWHERE = range(8)
MOST = 20.0  # seconds of the longest row
MINUTE = 60.0


def a_list(campaign: str, rows: int = 4000, partitions: range = EVERYWHERE) -> list[Row]:
    return rows_of(campaign, rows, partitions, median=4.0, most=MOST)


@st.composite
def a_deployment(draw: st.DrawFn) -> dict[str, Terms]:
    """Two to six campaigns of up to three tenants."""
    return {
        f"c{number}": Terms(
            tenant=draw(st.sampled_from("xyz")),
            weight=draw(st.sampled_from([0.5, 1.0, 2.0, 3.0])),
        )
        for number in range(draw(st.integers(2, 6)))
    }


@examples(max_examples=15, deadline=None)
@given(
    terms=a_deployment(),
    boost=st.sampled_from([1.0, 8.0]),
    arrivals=st.lists(st.sampled_from([0.0, 3.0, 10.0, 25.0]), min_size=6, max_size=6),
)
def test_over_any_busy_minute_shares_are_right_within_5_percent_and_a_row(
    terms: dict[str, Terms], boost: float, arrivals: list[float]
) -> None:
    fleet = SimulatedFleet(SMALL)
    terms["c0"] = Terms(tenant=terms["c0"].tenant, weight=terms["c0"].weight, boost=boost)
    for (campaign, term), pause in zip(terms.items(), arrivals, strict=False):
        fleet.submit(a_list(campaign), term)
        fleet.run(pause)
    began = fleet.now
    fleet.run(150)
    expected = dict(zip(terms, shares(terms.values()), strict=True))
    for start in range(0, 90, 15):
        got = seconds_by_campaign(fleet.fed, began + start, began + start + MINUTE)
        whole = sum(got.values())
        for campaign, share in expected.items():
            bound = 0.05 * whole + MOST
            assert got.get(campaign, 0.0) == pytest.approx(share * whole, abs=bound)


def test_a_small_campaign_does_not_wait_behind_a_large_one() -> None:
    alone = SimulatedFleet(SMALL)
    alone.submit(a_list("small", 100), Terms(tenant="t"))
    took_alone = alone.run_until_done("small", 100)
    fleet = SimulatedFleet(SMALL)
    fleet.submit(a_list("large", 10_000), Terms(tenant="s"))
    fleet.run(100)
    fleet.submit(a_list("small", 100), Terms(tenant="t"))
    took = fleet.run_until_done("small", 100) - 100
    assert took <= took_alone / 0.5 + 30 + 5
    assert not fleet.is_fed("large")


def test_a_tenant_with_many_campaigns_gets_no_more_than_one_with_one() -> None:
    fleet = SimulatedFleet(SMALL)
    fleet.submit(a_list("one"), Terms(tenant="s"))
    for number in range(20):
        fleet.submit(a_list(f"m{number}", 500), Terms(tenant="t"))
    fleet.run(200)
    got = seconds_by_campaign(fleet.fed)
    assert got["one"] == pytest.approx(sum(got.values()) / 2, rel=0.02)


def test_one_hung_partition_stops_nobody() -> None:
    fleet = SimulatedFleet(Shape(workers=4, slots=8, partitions=8, hung=frozenset([3])))
    fleet.submit(a_list("a"), Terms(tenant="s"))
    fleet.submit(rows_of("b", 500, [3]), Terms(tenant="t"))
    fleet.run(200)
    assert fleet.release.depth.waiting(3)[0] <= 8 * 4 / 8 * 1.5
    assert fleet.idle(60, 200) < 0.02


def test_a_crowded_partition_holds_up_no_other_campaign() -> None:
    fleet = SimulatedFleet(SMALL)
    fleet.submit(a_list("crowd", partitions=range(1)), Terms(tenant="s"))
    fleet.submit(a_list("wide"), Terms(tenant="t"))
    fleet.run(200)
    assert fleet.idle(20, 200) < 0.02
    got = seconds_by_campaign(fleet.fed, 50, 200)
    own = [event for event in fleet.fed if event.row.partition == 0 and 50 <= event.at < 200]
    crowd = seconds_by_campaign(own)["crowd"]
    assert crowd > 0.9 * sum(event.row.seconds for event in own)  # its time was kept for it
    assert got["wide"] > 5 * got["crowd"]


def test_who_was_blocked_long_does_not_hold_up_the_others_for_long() -> None:
    """A partition whose worker is back after an hour: its campaign catches up, by a little."""
    fleet = SimulatedFleet(Shape(workers=4, slots=8, partitions=8, hung=frozenset([0])))
    fleet.submit(a_list("a", 20_000, range(1, 8)), Terms(tenant="s"))
    fleet.submit(a_list("b", 20_000, range(1)), Terms(tenant="t"))
    fleet.run(600)
    fleet.withdraw("b")
    fleet.submit(a_list("b2", 20_000), Terms(tenant="t"))
    fleet.run(MINUTE)
    got = seconds_by_campaign(fleet.fed, 600, 600 + MINUTE)
    assert got["a"] > 0.35 * sum(got.values())


@pytest.mark.parametrize("feed_ahead", [30.0, 5.0])
def test_the_fleet_is_kept_busy(feed_ahead: float) -> None:
    fleet = SimulatedFleet(SMALL, feed_ahead)
    fleet.submit(a_list("a"), Terms(tenant="t"))
    fleet.run(200)
    assert fleet.idle(20, 200) < 0.02


def test_few_partitions_are_fed_as_their_workers_take_them() -> None:
    fleet = SimulatedFleet(SMALL)
    fleet.submit(a_list("a", partitions=range(2)), Terms(tenant="t"))  # of two workers in four
    fleet.run(200)
    assert fleet.idle(60, 200) < 0.52


@pytest.mark.parametrize("slots", [8, 32])
def test_what_is_fed_is_spoken_within_the_feed_ahead(slots: int) -> None:
    fleet = SimulatedFleet(Shape(workers=4, slots=slots, partitions=8))
    fleet.submit(a_list("a", 20_000), Terms(tenant="t"))
    fleet.run(150)
    fleet.withdraw("a")
    last = len(fleet.fed)
    fleet.run(60)
    assert len(fleet.fed) == last
    waits = sorted(event.at - 150 for event in fleet.done if event.at > 150)
    assert waits[int(len(waits) * 0.99)] <= 30 + 5
    assert waits[-1] <= 30 + MOST


@pytest.mark.parametrize("part", [0.1, 0.25, 0.5])
def test_a_slow_post_processing_bounds_what_comes_after_a_pause(part: float) -> None:
    """It renders that part of what the slots speak: the rows that they need are then too many."""
    shape = Shape(workers=8, slots=32, partitions=24, rendered=part * 256 / 4.5)
    fleet = SimulatedFleet(shape)
    fleet.submit(a_list("a", 20_000, range(24)), Terms(tenant="t"))
    fleet.run(300)
    fleet.withdraw("a")
    assert len(fleet.done) == pytest.approx(300 * shape.rendered, rel=0.1)
    assert len(fleet.release.depth) <= 1.1 * 30 * shape.rendered
    fleet.run(120)
    assert max(event.at for event in fleet.done) <= 300 + 30 + 5


def test_where_most_of_a_fleet_hangs_with_free_slots_the_rest_is_kept_busy() -> None:
    hung = frozenset(number for number in range(16) if number % 8)  # of seven workers in eight
    fleet = SimulatedFleet(Shape(workers=8, slots=16, partitions=16, hung=hung))
    fleet.submit(a_list("a", 8000, range(16)), Terms(tenant="s"))
    fleet.submit(rows_of("b", 8000, [0, 8]), Terms(tenant="t"))
    fleet.run(300)
    assert fleet.idle(60, 300) < 7 / 8 + 0.02 / 8


def test_a_paused_campaign_gets_no_credit() -> None:
    fleet = SimulatedFleet(SMALL)
    fleet.submit(a_list("a"), Terms(tenant="s"))
    fleet.submit(a_list("b"), Terms(tenant="t"))
    fleet.run(50)
    place = fleet.withdraw("b")
    fleet.run(100)
    fleet.submit(a_list("b"), Terms(tenant="t"), place=place)
    fleet.run(MINUTE)
    got = seconds_by_campaign(fleet.fed, 150, 150 + MINUTE)
    assert got["b"] == pytest.approx(got["a"], rel=0.1)
    ids = [event.row.request_id for event in fleet.fed]
    assert len(set(ids)) == len(ids)


def test_a_new_weight_takes_effect_within_the_feed_ahead() -> None:
    fleet = SimulatedFleet(SMALL)
    for campaign in "ab":
        fleet.submit(a_list(campaign), Terms(tenant="t"))
    fleet.run(100)
    fleet.set_terms({"b": Terms(tenant="t", weight=4)})
    fleet.run(100)
    got = seconds_by_campaign(fleet.fed, 100, 130)
    assert got["b"] / got["a"] == pytest.approx(4, rel=0.1)
    got = seconds_by_campaign(fleet.done, 100 + 30 + 5, 200)
    assert got["b"] / got["a"] == pytest.approx(4, rel=0.15)


@examples(max_examples=8, deadline=None)
@given(
    weight=st.sampled_from([0.5, 1.0, 8.0]),
    deadline=st.floats(5, 40),
    boost=st.sampled_from([1.0, 8.0]),
)
def test_what_is_past_its_deadline_takes_no_turn_and_ends_at_once(
    weight: float, deadline: float, boost: float
) -> None:
    """It is fed to end as expired; its tenant's other campaign gets what the tenant has."""
    fleet = SimulatedFleet(SMALL)
    late = [replace(row, deadline=deadline) for row in a_list("late")]
    fleet.submit(late, Terms(tenant="s", weight=weight, boost=boost))
    fleet.submit(a_list("a"), Terms(tenant="s"))
    fleet.submit(a_list("b"), Terms(tenant="t"))
    fleet.run(deadline + 30 + 5)
    assert fleet.is_fed("late")
    began = fleet.now
    fleet.run(MINUTE)
    got = seconds_by_campaign(fleet.fed, began, began + MINUTE)
    assert got["a"] == pytest.approx(got["b"], abs=0.05 * sum(got.values()) + MOST)
    assert fleet.idle(began, fleet.now) < 0.02


def test_a_rate_is_kept_and_the_others_take_the_rest() -> None:
    fleet = SimulatedFleet(SMALL)
    fleet.submit(a_list("slow"), Terms(tenant="s", weight=100), rate=0.5)
    fleet.submit(a_list("a"), Terms(tenant="t"))
    fleet.run(200)
    rows = sum(event.row.campaign == "slow" for event in fleet.fed)
    assert rows == pytest.approx(100, abs=2)
    assert fleet.idle(20, 200) < 0.02


def test_a_campaign_with_a_window_is_fed_within_it_only() -> None:
    fleet = SimulatedFleet(SMALL)
    fleet.now = datetime(2026, 12, 1, 5, 58, tzinfo=UTC).timestamp()
    night = Schedule(window=parse_window("20:00-06:00", "UTC"))
    fleet.submit(a_list("night"), Terms(tenant="s"), schedule=night)
    fleet.submit(a_list("day"), Terms(tenant="t"))
    close = fleet.now + 120
    assert fleet.release.next_change(fleet.now) == close
    fleet.run(300)
    last = max(event.at for event in fleet.fed if event.row.campaign == "night")
    assert close - 5 < last < close
    got = seconds_by_campaign(fleet.fed, close, close + 100)
    assert list(got) == ["day"]


@examples(max_examples=10, deadline=None)
@given(
    jumps=st.lists(
        st.tuples(st.floats(1, 30), st.sampled_from([-3600.0, -5.0, 5.0, 3600.0, 1e9, -1e9])),
        max_size=5,
    )
)
def test_no_jump_of_the_clock_stops_or_floods(jumps: list[tuple[float, float]]) -> None:
    """The feeder's clock jumps; the fleet's does not."""
    fleet = SimulatedFleet(SMALL)
    fleet.now = 1.8e9
    fleet.submit(a_list("limited"), Terms(tenant="s"), rate=1.0)
    fleet.submit(a_list("a"), Terms(tenant="t"))
    began = fleet.now
    for seconds, jump in jumps:
        fleet.run(seconds)
        fleet.offset += jump
    fleet.run(100)
    elapsed = fleet.now - began
    limited = sum(event.row.campaign == "limited" for event in fleet.fed)
    assert elapsed * 0.9 - 2 * len(jumps) - 2 <= limited <= elapsed + 2 * (len(jumps) + 1)
    assert len(fleet.release.depth) <= 3 * max(4 * 8 * 1.5, 30 * 32 / 4)
    assert fleet.idle(fleet.now - 60, fleet.now) < 0.02


@examples(max_examples=15, deadline=None)
@given(crashes=st.lists(st.floats(1, 40), max_size=6), rows=st.integers(1, 600))
def test_a_feeder_that_crashes_anywhere_feeds_every_row_once(
    crashes: list[float], rows: int
) -> None:
    """Each term begins from the place that the one before had written."""
    fleet = SimulatedFleet(SMALL)
    listed, terms = a_list("a", rows), Terms(tenant="t")
    fleet.submit(listed, terms)
    for seconds in crashes:
        fleet.run(seconds)
        fleet.submit(listed, terms, place=fleet.withdraw("a"))
    fleet.run_until_done("a", rows)
    assert sorted(event.row.request_id for event in fleet.fed) == sorted(
        row.request_id for row in listed
    )


def a_release() -> Release[Row, int]:
    depth = Depth[int]()
    depth.set_fleet(0, [EVERYWHERE])
    return Release(
        depth, lambda row: row.request_id, lambda row: row.partition, lambda row: row.seconds
    )


def a_flow(rows: list[Row]) -> Flow[Row, int]:
    return Flow(rows=LookAhead(iter(rows), lambda row: row.partition))


def test_without_workers_64_rows_per_partition_are_fed() -> None:
    release = a_release()
    release.set_flows({"a": a_flow(a_list("a"))}, {"a": Terms(tenant="t")})
    fed = list(release.turn(0.0))
    assert len(fed) == IDLE_ROWS * 8
    assert list(release.turn(1.0)) == []


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ListDamaged("altered")])
def test_a_list_that_cannot_be_read_stops_no_other(error: Exception) -> None:
    release, listed = a_release(), a_list("broken", 10)

    def failing(index: int) -> Row:
        if index == 5:
            raise error
        return listed[index]

    broken = a_flow([])
    broken.rows.resume(map(failing, count()))
    flows = {"broken": broken, "a": a_flow(a_list("a", 20))}
    release.set_flows(flows, {name: Terms(tenant=name) for name in flows})
    fed = [released.campaign for released in release.turn(0.0)]
    assert (fed.count("broken"), fed.count("a")) == (5, 20)
    assert broken.failure is error
    assert list(release.turn(1.0)) == []
    broken.rows.resume(iter(listed[broken.rows.place.read :]))
    broken.failure = None
    assert [released.index for released in release.turn(2.0)] == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(("campaigns", "window"), [(1, 4000), (32, 2000), (2000, 100)])
def test_campaigns_share_the_memory_for_rows_passed_over(campaigns: int, window: int) -> None:
    release = a_release()
    flows = {f"c{number}": a_flow([]) for number in range(campaigns)}
    release.set_flows(flows, dict.fromkeys(flows, Terms(tenant="t")))
    assert {flow.rows.window for flow in flows.values()} == {window}


def test_what_the_broker_refused_comes_again() -> None:
    release = a_release()
    flow = a_flow(a_list("a", 10))
    release.set_flows({"a": flow}, {"a": Terms(tenant="t")})
    for number, released in enumerate(list(release.turn(0.0))):
        (release.give_back if number % 2 else release.acknowledge)(released)
    assert len(release.depth) == 5
    assert flow.rows.place.unfed == (1, 3, 5, 7, 9)
    assert [released.index for released in release.turn(1.0)] == [1, 3, 5, 7, 9]


def test_a_withdrawn_campaign_can_still_be_acknowledged() -> None:
    release = a_release()
    flow = a_flow(a_list("a", 1))
    release.set_flows({"a": flow}, {"a": Terms(tenant="t")})
    fed = list(release.turn(0.0))
    release.set_flows({}, {})
    release.acknowledge(fed[0])
    assert flow.rows.place.unfed == ()


def test_the_next_change_is_the_earliest_of_all() -> None:
    release, rows = a_release(), a_list("a", 50)
    later, limited = a_flow(rows), a_flow(rows)
    later.schedule = Schedule(start_at=500.0)
    limited.limit = RateLimit(0.1, 0.0)
    terms = {name: Terms(tenant=name) for name in ("later", "limited", "free")}
    release.set_flows({"later": later, "free": a_flow(rows)}, terms)
    assert release.next_change(0.0) == 500.0
    release.set_flows({"later": later, "limited": limited}, terms)
    list(release.turn(0.0))
    assert release.next_change(0.0) == pytest.approx(10.0)
    release.set_flows({"free": a_flow(rows)}, terms)
    assert release.next_change(0.0) is None
