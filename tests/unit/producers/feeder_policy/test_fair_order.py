"""Two levels of turns: tenants first, then each tenant's campaigns."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.errors import InvalidInput
from seedcast.producers.feeder.policy.deadline import MOST_BOOST
from seedcast.producers.feeder.policy.fair_order import (
    LEAST_WEIGHT,
    MOST_WEIGHT,
    FairOrder,
    Terms,
    checked_weight,
    shares,
)

ROW = 30.0


def an_order(terms: dict[str, Terms]) -> FairOrder:
    order = FairOrder()
    order.set_flows(terms)
    for campaign in terms:
        order.wake(campaign)
    return order


def fed(order: FairOrder, rows: int, seconds: float = 1.0) -> Counter[str]:
    """Charge the next rows; return how many each campaign got."""
    picked = Counter[str]()
    for _ in range(rows):
        campaign = order.pick()
        assert campaign is not None
        order.charge(campaign, seconds)
        picked[campaign] += 1
    return picked


@given(
    many=st.lists(st.floats(LEAST_WEIGHT, MOST_WEIGHT), min_size=1, max_size=40),
    boost=st.floats(1, MOST_BOOST),
    one=st.floats(LEAST_WEIGHT, MOST_WEIGHT),
    seconds=st.floats(0.5, ROW),
)
def test_a_tenant_with_many_campaigns_gets_no_more_than_one_with_one(
    many: list[float], boost: float, one: float, seconds: float
) -> None:
    terms = {f"m{n}": Terms(tenant="m", weight=weight) for n, weight in enumerate(many)}
    order = an_order({"o": Terms(tenant="o", weight=one, boost=boost), **terms})
    assert fed(order, 201, seconds)["o"] in (100, 101)


def test_campaigns_of_a_tenant_share_by_weight() -> None:
    terms = {"a": Terms(tenant="t"), "b": Terms(tenant="t", weight=3)}
    assert fed(an_order(terms), 400) == {"a": 100, "b": 300}


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.1, 10), min_size=1), st.data())
def test_shares_are_what_campaigns_get(weights: dict[str, float], data: st.DataObject) -> None:
    terms = {
        name: Terms(
            tenant=data.draw(st.sampled_from("xyz")),
            weight=weight,
            boost=data.draw(st.sampled_from([1.0, MOST_BOOST])),
        )
        for name, weight in weights.items()
    }
    got = fed(an_order(terms), 4000)
    for name, share in zip(terms, shares(terms.values()), strict=True):
        assert got[name] == pytest.approx(4000 * share, rel=0.05, abs=10)


def test_a_tenant_that_wakes_starts_at_the_present() -> None:
    order = an_order({"a": Terms(tenant="s"), "b": Terms(tenant="t")})
    order.sleep("b")
    fed(order, 1000)
    order.wake("b")
    assert fed(order, 10)["b"] in (5, 6)


def test_a_tenant_whose_campaigns_are_blocked_keeps_its_time() -> None:
    order = an_order({"a": Terms(tenant="s"), "b": Terms(tenant="t"), "c": Terms(tenant="t")})
    order.block("b")
    order.sleep("c")
    fed(order, 20)
    order.wake("b")
    assert fed(order, 20)["b"] == pytest.approx(20, abs=1)


def test_a_blocked_campaign_stops_no_other_of_its_tenant() -> None:
    order = an_order({"a": Terms(tenant="t"), "b": Terms(tenant="t")})
    order.block("a")
    assert fed(order, 10) == {"b": 10}


def test_none_is_picked_where_none_is_ready() -> None:
    order = an_order({"a": Terms(tenant="t"), "b": Terms(tenant="s")})
    order.block("a")
    order.sleep("b")
    assert order.pick() is None
    order.set_flows({})
    assert order.pick() is None


def test_a_new_weight_counts_from_the_next_pick() -> None:
    terms = {"a": Terms(tenant="t"), "b": Terms(tenant="t")}
    order = an_order(terms)
    fed(order, 100)
    order.set_flows({**terms, "b": Terms(tenant="t", weight=9)})
    assert fed(order, 100)["b"] == pytest.approx(90, abs=1)


def test_extreme_weights_are_bounded() -> None:
    terms = {"a": Terms(tenant="t", weight=1e9), "b": Terms(tenant="t", weight=1e-9)}
    rows = int(MOST_WEIGHT / LEAST_WEIGHT) + 2
    assert fed(an_order(terms), 2 * rows)["b"] >= 2


def test_the_boost_of_a_deadline_starves_nobody() -> None:
    terms = {"late": Terms(tenant="t", boost=MOST_BOOST), "b": Terms(tenant="t")}
    assert fed(an_order(terms), 900)["b"] == 100


def test_a_campaign_that_is_named_no_more_is_not_picked() -> None:
    terms = {"a": Terms(tenant="s"), "b": Terms(tenant="t")}
    order = an_order(terms)
    order.set_flows({"a": terms["a"]})
    assert fed(order, 10) == {"a": 10}


def test_many_campaigns_one_after_another_leave_nothing_behind() -> None:
    order = FairOrder()
    steady = Terms(tenant="steady")
    order.set_flows({"steady": steady})
    for number in range(500):
        name = f"c{number}"
        order.set_flows({"steady": steady, name: Terms(tenant=f"t{number}")})
        order.wake("steady")
        order.wake(name)
        fed(order, 3)
        order.set_flows({"steady": steady})
        fed(order, 3)
    order.set_flows({"steady": steady})
    assert len(order._campaigns) <= 2
    assert len(order._tenants) <= 2


@pytest.mark.parametrize("weight", [0, -1, 1e9, 1e-9, float("nan"), float("inf")])
def test_a_weight_out_of_bounds_is_refused(weight: float) -> None:
    with pytest.raises(InvalidInput, match="expected a number from"):
        checked_weight(weight)


def test_a_weight_within_bounds_is_taken() -> None:
    assert [checked_weight(w) for w in (0.01, 1, 100)] == [0.01, 1, 100]
