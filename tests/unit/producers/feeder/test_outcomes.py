"""How a feeder follows the results: at once, in batches, or hardly ever."""

import pytest
from msgspec.structs import replace

from seedcast.codec import encode_json
from seedcast.errors import BrokerUnavailable
from seedcast.kafka import Partition, Record
from seedcast.kafka.client_config import BATCHED, PROMPT, Fetch
from seedcast.producers.feeder.outcomes import SETTLED
from seedcast.producers.feeder.row import measure_of
from seedcast.schemas.topics import RESULTS
from tests.builders.outcomes import a_rendition, a_result
from tests.builders.requests import numbered
from tests.unit.producers.feeder.world import SETTINGS, World, feed_all


@pytest.fixture
def world(world: World) -> World:
    world.fleet.slots = 32
    return world


def test_results_come_at_once_first_then_in_batches_and_none_is_asked_for_in_the_end(
    world: World,
) -> None:
    world.submit("night", 100, spread=0)
    feeding = world.begin(2.0)
    feed_all(feeding)
    assert world.results.fetch == PROMPT
    world.now += SETTLED + 1
    feed_all(feeding)
    assert world.results.fetch == BATCHED
    while not feeding.finish():
        world.answer()
        feed_all(feeding)
    world.answer()
    feed_all(feeding)
    assert world.results.fetch == BATCHED, "more rows may come soon"
    world.now += SETTLED + 1
    feed_all(feeding)
    assert world.results.fetch == PROMPT


def test_results_come_as_before_while_no_client_can_be_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Fetch] = []

    def refuse(fetch: Fetch) -> None:
        asked.append(fetch)
        raise BrokerUnavailable("no token")

    monkeypatch.setattr(world.results, "follow", refuse)
    world.submit("night", 100, spread=0)
    feeding = world.begin(2.0)
    for _ in range(20):
        feed_all(feeding)
        world.now += SETTLED / 10
    assert asked == [BATCHED]
    while not feeding.finish():
        world.answer()
        feed_all(feeding)
    assert len(world.rows_of("night")) == 100


def test_what_a_row_costs_is_learnt_from_results(world: World) -> None:
    world.submit("night", 100, spread=0)
    feeding = world.begin(2.0)
    feed_all(feeding)
    costs, measured = feeding._outcomes.costs, measure_of(numbered(0, campaign_id="night"))
    before = costs.predict(measured)
    spoken = a_result(0, renditions=(replace(a_rendition(), duration=20 * before),))
    partition = Partition(SETTINGS.topic(RESULTS), 0)
    world.results.records = [
        Record(partition, 0, spoken.request_id.encode(), encode_json(spoken), (), 0)
    ]
    feeding.turn()
    assert costs.predict(measured) > 1.1 * before
