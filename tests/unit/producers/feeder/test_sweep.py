"""What a feeder deletes of the staged lists, and what it never touches."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Never

import pytest

from seedcast.errors import BrokerUnavailable, StoreUnavailable
from seedcast.producers.feeder.sweep import INTERVAL, Sweep
from seedcast.schemas.messages import Campaign
from seedcast.settings import Settings
from seedcast.storage.list_outputs import output_key
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.objects import ObjectInfo
from seedcast.storage.staged_lists import ABANDONED, BEGUN, deployment, folder
from tests.builders.requests import a_request
from tests.builders.staged import stage

SETTINGS, CLUSTER = Settings(), "cluster-1"
OURS = deployment(CLUSTER, SETTINGS.kafka.prefix)
FIRST, SECOND = "1" * 16, "2" * 16  # stagings
OLD = ABANDONED + timedelta(minutes=1)


class World(MemoryStore):
    """The object store, the campaigns on the topic, and the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.store, self.campaigns, self.now, self.lists = self, dict[str, Campaign](), 0.0, 0
        self.read: Callable[[], dict[str, Campaign]] = lambda: self.campaigns
        self.sweep = Sweep(SETTINGS, self, CLUSTER, lambda: self.read(), lambda: self.now)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        self.lists += 1
        return super().list(prefix)

    def begin(self, name: str, staging: str = FIRST, mark: bytes | None = OURS) -> Campaign:
        """Stage a list of two parts, as `submit` does before it commits."""
        if mark is not None:
            self.store.put(folder(name, staging) + BEGUN, mark, "")
        return stage(self.store, name, [a_request()], [a_request()], staging=staging)

    def after(self, age: timedelta) -> Sequence[str]:
        return tuple(self.sweep.sweep(datetime.now(UTC) + age))

    @property
    def folders(self) -> set[str]:
        return {info.key.rpartition("/")[0] + "/" for info in super().list()}


@pytest.fixture
def world() -> World:
    return World()


def test_a_staging_that_never_became_a_campaign_goes_when_it_is_a_day_old(world: World) -> None:
    world.begin("night")
    world.begin("night", SECOND)
    assert not world.after(ABANDONED - timedelta(minutes=1))
    assert world.after(OLD) == (folder("night", FIRST), folder("night", SECOND))
    assert world.folders == set()


def test_a_staging_that_is_still_written_to_stays(world: World) -> None:
    world.begin("night")
    soon = datetime.now(UTC) + OLD
    late = [info for info in world.store.list() if info.key.endswith("1.parquet")]
    (uri,) = [info.uri for info in late]
    stored = world.store._objects[uri]
    world.store._objects[uri] = type(stored)(stored.data, stored.content_type, soon)
    assert not world.after(OLD)
    assert len(world.folders) == 1


def test_how_a_list_ended_stays_whatever_its_age(world: World) -> None:
    world.store.put(output_key("night", "results.parquet"), b"x", "")
    assert not world.after(OLD)
    assert world.folders == {"_lists/night/"}


def test_a_campaigns_list_stays_and_the_staging_that_came_second_goes(world: World) -> None:
    """Also where the submission was killed before it could clear its mark."""
    world.campaigns["night"] = world.begin("night")
    world.begin("night", SECOND)
    assert world.after(OLD) == (folder("night", SECOND),)
    assert world.folders == {folder("night", FIRST)}


@pytest.mark.parametrize(
    "mark",
    [None, b"", deployment("cluster-2", SETTINGS.kafka.prefix), deployment(CLUSTER, "other")],
    ids=["unmarked", "a campaign's", "of another cluster", "of another prefix"],
)
def test_what_this_deployment_has_not_begun_is_left_alone(world: World, mark: bytes | None) -> None:
    world.begin("night", mark=mark)
    assert not world.after(OLD)
    assert world.folders == {folder("night", FIRST)}


def test_objects_that_are_no_staging_are_left_alone(world: World) -> None:
    for key in ("_lists/notes.txt", "_lists/night/results.parquet", "night/ab/ab.ogg"):
        world.store.put(key, OURS, "")
    assert not world.after(OLD)
    assert len(list(world.store.list())) == 3


@pytest.mark.parametrize("deleted", [0, 1, 2])
def test_an_interrupted_sweep_is_finished_by_the_next(world: World, deleted: int) -> None:
    world.begin("night")

    def goes_on() -> bool:
        return len(world.store._objects) > 3 - deleted

    assert list(world.sweep.sweep(datetime.now(UTC) + OLD, goes_on)) == []
    assert len(world.store._objects) == 3 - deleted
    assert world.after(OLD) == (folder("night", FIRST),)
    assert world.folders == set()


def test_what_is_swept_is_known_to_the_broker_to_be_no_campaign(world: World) -> None:
    """A feeder may have followed the campaigns for a day without an answer of the broker."""
    world.begin("night")
    world.read = lambda: _raise(BrokerUnavailable("reading campaigns"))
    with pytest.raises(BrokerUnavailable):
        world.after(OLD)
    assert len(world.folders) == 1


def test_an_outage_ends_one_sweep_and_the_next_one_comes_in_an_hour(world: World) -> None:
    world.begin("night", mark=b"not ours")
    world.store.fail(StoreUnavailable("listing"))
    world.sweep.when_due(lambda: True)
    looked = world.lists
    world.now += INTERVAL - 1
    world.sweep.when_due(lambda: True)
    assert world.lists == looked == 1
    world.now += 1
    world.sweep.when_due(lambda: True)
    assert world.lists == 2


def _raise(error: Exception) -> Never:
    raise error
