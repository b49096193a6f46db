"""The steps of an indexer's turn, on a SQLite of their own and without Kafka."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from seedcast import metrics
from seedcast.cli.campaigns import as_found
from seedcast.codec import encode_json
from seedcast.errors import StoreUnavailable
from seedcast.kafka import Partition, Record
from seedcast.schemas.messages import Campaign, CampaignState, Cursor
from seedcast.settings import IndexSettings
from seedcast.storage.index.database import Database, open_database
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.reader import Index
from seedcast.storage.index.writer import IndexWriter, TopicFacts
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.staged_lists import folder, part_name
from seedcast.stream_apps.index import lag
from seedcast.stream_apps.index.interrupted import STEP, Interrupted, interruptible
from seedcast.stream_apps.index.lag import ReportedOffsets
from seedcast.stream_apps.index.lists import LONGEST, RETRY, Lists
from seedcast.stream_apps.index.records import Records
from seedcast.stream_apps.index.results import Batch, _add
from tests.builders.indexing import ended
from tests.builders.requests import numbered
from tests.builders.staged import STAGING, stage

FACTS = TopicFacts(cluster_id="c", topic="results", topic_id="t", log_starts={0: 0, 1: 0})


class World:
    def __init__(self, folder: Path) -> None:
        self.settings = IndexSettings(url=f"sqlite:///{folder}/index.sqlite")
        migrate(self.settings)
        self.database: Database = open_database(self.settings, read_only=False)
        self.writer = IndexWriter.begin_term(self.database, "one", FACTS)
        self.index, self.now = Index(self.database), 100.0
        self.store: MemoryStore = MemoryStore()
        self.campaigns = Followed()
        self.active = True

    def lists(self) -> Lists:
        campaigns: Any = self.campaigns
        return Lists(self.store, self.writer, campaigns, lambda: self.active, lambda: self.now)

    def records(self, cursors: "Followed | None" = None) -> Records:
        campaigns: Any = self.campaigns
        followed: Any = cursors or Followed()
        return Records(campaigns, followed, self.writer, self.index)

    def submit(self, name: str, count: int = 3) -> Campaign:
        requests = [numbered(n, campaign_id=name, metadata={"id": f"{n}"}) for n in range(count)]
        campaign = stage(self.store, name, requests)
        self.campaigns.put(campaign)
        return campaign

    def states(self) -> dict[str, str]:
        return {each.campaign_id: each.list_state for each in self.index.campaigns()}


class Followed:
    """A compacted topic that is followed."""

    def __init__(self) -> None:
        self.records: dict[str, Any] = {}
        self._changed: set[str] = set()

    def put(self, record: Campaign | Cursor) -> None:
        self.records[record.campaign_id] = record
        self._changed.add(record.campaign_id)

    def remove(self, name: str) -> None:
        del self.records[name]
        self._changed.add(name)

    def poll(self) -> set[str]:
        changed, self._changed = self._changed, set()
        return changed


@pytest.fixture
def world(tmp_path: Path) -> Iterable[World]:
    made = World(tmp_path)
    yield made
    made.database.close()


def test_what_changes_on_the_topics_changes_in_the_index(world: World) -> None:
    cursors = Followed()
    night = world.submit("night")
    records = world.records(cursors)
    cursors.put(Cursor(campaign_id="night", staging=STAGING, fed=2, generation=1))
    assert records.write_changes(), "what was there before counts as a change"
    assert not records.write_changes()
    found = world.index.campaign("night")
    assert found
    assert (found.campaign, found.fed, found.list_state) == (night, 2, "pending")

    paused = replace(night, state="paused")
    world.campaigns.put(paused)
    assert records.write_changes()
    changed = world.index.campaign("night")
    assert changed
    assert changed.campaign == paused

    world.campaigns.remove("night")
    assert records.write_changes()
    gone = world.index.campaign("night")
    assert gone is None or gone.campaign is None


def test_a_record_that_went_while_nobody_looked_is_removed(world: World) -> None:
    world.submit("night")
    world.submit("day")
    world.records().write_changes()
    world.campaigns.remove("night")
    world.records().write_changes()
    known = [each.campaign_id for each in world.index.campaigns() if each.campaign]
    assert known == ["day"]


def test_a_list_that_cannot_be_read_stays_pending_and_holds_up_no_other(world: World) -> None:
    damaged = world.submit("a-damaged")
    world.submit("whole")
    world.records().write_changes()
    uri = world.store.uri(folder("a-damaged", STAGING) + part_name(0))
    part = world.store.get(uri)
    world.store.delete(uri)
    lists = world.lists()
    loaded = [lists.load_next() for _ in range(3)]
    assert loaded.count(True) == 1
    assert world.states() == {"a-damaged": "pending", "whole": "loaded"}
    world.store.put(folder("a-damaged", STAGING) + part_name(0), part, "")
    assert not lists.load_next()
    world.now += RETRY
    assert lists.load_next()
    assert world.states() == {"a-damaged": "loaded", "whole": "loaded"}
    assert [request.own_id for request in world.index.rows("a-damaged")] == ["0", "1", "2"]
    assert damaged.accepted == 3


@pytest.mark.parametrize("harm", ["missing", "shorter", "altered"])
def test_a_list_with_a_damaged_part_is_held_until_it_is_restored(world: World, harm: str) -> None:
    requests = [numbered(n, campaign_id="night") for n in range(4)]
    campaign = stage(world.store, "night", requests[:2], requests[2:])
    world.campaigns.put(campaign)
    world.records().write_changes()
    key = folder("night", STAGING) + part_name(1)
    uri = world.store.uri(key)
    part = world.store.get(uri)
    if harm == "missing":
        world.store.delete(uri)
    else:
        world.store.put(key, part[:-1] + (b"" if harm == "shorter" else b"?"), "")
    lists = world.lists()
    with capture_logs() as logs:
        for _ in range(3):
            assert not lists.load_next()
            world.now += LONGEST
        assert not world.lists().load_next(), "of the next term, which knows that it was said"
    held = world.index.campaign("night")
    assert held
    assert held.list_problem
    assert uri in held.list_problem
    assert [(each["event"], each["campaign_id"]) for each in logs] == [("list_held", "night")]
    lists.look_again()
    assert not lists.load_next()
    assert figures() == (0, 1)
    assert said(held) == held.list_problem

    world.store.put(key, part, "")
    world.now += LONGEST
    assert lists.load_next()
    assert not lists.load_next()
    assert figures() == (0, 0)
    whole = world.index.campaign("night")
    assert whole
    assert (whole.list_state, whole.list_problem) == ("loaded", None)


@pytest.mark.parametrize("state", ["completed", "cancelled"])
def test_nobody_waits_for_the_lost_list_of_a_campaign_that_has_ended(
    world: World, state: CampaignState
) -> None:
    world.campaigns.put(replace(world.submit("night"), state=state))
    world.records().write_changes()
    world.store.delete(world.store.uri(folder("night", STAGING) + part_name(0)))
    lists = world.lists()
    assert [lists.load_next(), lists.load_next()] == [False, False]
    assert figures() == (0, 0)
    held = world.index.campaign("night")
    assert held
    assert held.list_problem
    assert said(held) == (held.list_problem if state == "cancelled" else None)


def figures() -> tuple[float, float]:
    """Lists that are pending, and that are held."""
    return metrics.value(metrics.INDEX_LISTS_PENDING), metrics.value(metrics.INDEX_LISTS_HELD)


def said(campaign: IndexedCampaign) -> str | None:
    """Why `campaigns` shows it as held."""
    shown = as_found(campaign)
    assert shown
    *_, cursor = shown
    return cursor.held if cursor else None


class ReadStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def get(self, uri: str) -> bytes:
        self.read.append(uri)
        return super().get(uri)


def test_no_part_is_read_before_all_are_there(world: World) -> None:
    world.store = store = ReadStore()
    requests = [numbered(n, campaign_id="night") for n in range(4)]
    world.campaigns.put(stage(store, "night", requests[:2], requests[2:]))
    world.records().write_changes()
    store.delete(store.uri(folder("night", STAGING) + part_name(1)))
    assert not world.lists().load_next()
    assert store.read == []


def test_a_store_that_is_away_is_asked_for_one_list_at_a_time(world: World) -> None:
    for name in ("first", "second"):
        world.submit(name)
    world.records().write_changes()
    lists = world.lists()
    world.store.fail(StoreUnavailable("away"))
    assert [lists.load_next() for _ in range(5)] == [False] * 5
    world.now += RETRY
    assert [lists.load_next(), lists.load_next(), lists.load_next()] == [True, True, False]


def test_a_list_that_is_interrupted_changes_nothing(world: World) -> None:
    world.submit("night")
    world.records().write_changes()
    world.active = False
    with pytest.raises(Interrupted):
        world.lists().load_next()
    assert world.states() == {"night": "pending"}
    assert list(world.index.rows("night")) == []


def test_a_long_step_ends_within_some_hundred_items() -> None:
    asked: list[int] = []
    seen: list[int] = []

    def goes_on() -> bool:
        asked.append(len(seen))
        return len(asked) < 3

    def work() -> None:
        for item in interruptible(range(10 * STEP), goes_on):
            seen.append(item)

    with pytest.raises(Interrupted):
        work()
    assert asked == [0, STEP, 2 * STEP]


def test_a_batch_moves_each_partition_and_passes_what_is_no_result() -> None:
    batch = Batch()
    result = ended(numbered(1))
    values = [(0, 7, encode_json(result)), (1, 3, b"no result"), (0, 8, encode_json(result))]
    for number, offset, value in [*values, (9, 0, encode_json(result))]:
        record = Record(Partition("results", number), offset, None, value, (), 1000 + offset)
        _add(batch, record, {0: 7, 1: 3})
    assert batch.moved == {0: (7, 9), 1: (3, 4)}, "a partition that is new waits for the next term"
    assert [each.result for each in batch.results] == [result, result]
    assert batch.latest_ms == 1008


def test_the_group_is_told_what_it_has_not_been_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, told = [100.0], list[dict[Partition, int]]()
    monkeypatch.setattr(lag, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    free = True

    def commit(offsets: dict[Partition, int]) -> bool:
        told.append(offsets) if free else None
        return free

    member: Any = SimpleNamespace(commit=commit)
    reported = ReportedOffsets(member, "results")
    for positions in ({0: 4, 1: 0}, {0: 5, 1: 0}, {0: 5, 1: 0}):
        reported.report(positions)
        clock[0] += 0.4
    assert told == [{Partition("results", 0): 4, Partition("results", 1): 0}]
    clock[0], free = 102.0, False
    reported.report({0: 6, 1: 0})
    clock[0], free = 104.0, True
    reported.report({0: 6, 1: 0})
    assert told[1:] == [{Partition("results", 0): 6}], "what a commit under way has kept out"


def test_a_list_of_another_length_than_its_record_says_stays_pending(world: World) -> None:
    campaign = world.submit("night")
    world.campaigns.put(replace(campaign, accepted=4))
    world.records().write_changes()
    assert not world.lists().load_next()
    assert world.states() == {"night": "pending"}
