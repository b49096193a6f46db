"""Which requests an indexer deletes, and when: on a SQLite of its own and without Kafka."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from seedcast.codec import encode_json
from seedcast.errors import StoreUnavailable
from seedcast.schemas.messages import Campaign, Outputs
from seedcast.settings import Settings
from seedcast.storage.index.writer import StoredResult
from seedcast.storage.list_outputs import output_key, write_outputs
from seedcast.stream_apps.index import pruning
from seedcast.stream_apps.index.completion import Completion
from seedcast.stream_apps.index.pruning import DAY_MS, INTERVAL, RETRY, Pruning
from tests.builders.indexing import ended
from tests.builders.requests import numbered
from tests.unit.stream_apps.index.test_steps import World

DAY = DAY_MS / 1000
ROWS = 7


@pytest.fixture
def world(tmp_path: Path) -> Iterable[World]:
    made = World(tmp_path)
    made.now = 100 * DAY
    yield made
    made.database.close()


def complete(world: World, name: str, days: int) -> Campaign:
    """A list whose last result came on that day, with its outputs."""
    requests = [numbered(n, campaign_id=name, metadata={"id": f"{n}"}) for n in range(ROWS)]
    campaign = world.submit(name, ROWS)
    world.records().write_changes()
    assert world.lists().load_next()
    results = [
        StoredResult(result, encode_json(result), days * DAY_MS) for result in map(ended, requests)
    ]
    world.writer.add_results({}, results)
    outputs: Outputs = write_outputs(world.store, campaign, world.index.rows(name))
    completed = replace(campaign, state="completed", outputs=outputs)
    world.campaigns.put(completed)
    world.records().write_changes()
    return completed


def pruned(world: World, keep_days: int) -> Pruning:
    return Pruning(world.store, world.writer, keep_days, lambda: world.now)


def test_a_list_goes_some_requests_at_a_time_once_it_is_old_enough(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "MOST", 3)
    complete(world, "old", 89)
    complete(world, "young", 91)
    steps, left = pruned(world, 10), []
    for _ in range(4):
        steps.prune_next()
        left.append(_left(world, "old"))
    assert left == [4, 1, 0, 0]
    assert world.index.pruned() == {"old"}
    world.now += 2 * DAY
    for _ in range(3):
        steps.prune_next()
    assert world.index.pruned() == {"old", "young"}


def test_one_that_was_stopped_is_continued(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "MOST", 3)
    complete(world, "old", 1)
    pruned(world, 10).prune_next()
    following = pruned(world, 10)
    for _ in range(2):
        following.prune_next()
    assert _left(world, "old") == 0


def test_without_a_limit_nothing_goes(world: World) -> None:
    complete(world, "old", 1)
    pruned(world, 0).prune_next()
    assert (world.index.pruned(), _left(world, "old")) == (frozenset(), ROWS)


def test_nothing_goes_whose_outputs_are_not_stored(world: World) -> None:
    campaign = complete(world, "old", 1)
    uri = world.store.uri(output_key("old", "results.parquet"))
    data = world.store.get(uri)
    world.store.delete(uri)
    steps = pruned(world, 10)
    steps.prune_next()
    assert _left(world, "old") == ROWS
    world.store.put(output_key("old", "results.parquet"), data, "")
    world.now += INTERVAL
    steps.prune_next()
    assert _left(world, "old") == 0
    assert campaign.accepted == ROWS


def test_a_store_that_is_away_is_asked_again(world: World) -> None:
    complete(world, "old", 1)
    steps = pruned(world, 10)
    world.store.fail(StoreUnavailable("away"))
    steps.prune_next()
    assert _left(world, "old") == ROWS
    world.now += RETRY
    steps.prune_next()
    assert _left(world, "old") == 0


def test_outputs_that_are_gone_are_not_written_again_from_nothing(world: World) -> None:
    complete(world, "old", 1)
    pruned(world, 10).prune_next()
    uri = world.store.uri(output_key("old", "results.parquet"))
    world.store.delete(uri)
    parts: Any = (Settings(), world.store, None, world.campaigns, world.writer, world.index)
    completion = Completion(*parts, lambda: True, lambda: world.now)
    assert not completion.complete_next()
    assert world.store.stat(uri) is None


def _left(world: World, name: str) -> int:
    query = (
        "SELECT count(*) FROM requests JOIN campaigns ON key = campaign_key WHERE campaign_id = ?"
    )
    with world.database.transaction("counting") as connection:
        return int(connection.exec_driver_sql(query, (name,)).scalar_one())
