"""Of changes of a campaign at the same time none is lost, without Kafka: topics as lists."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from seedcast.campaigns import campaign_state, campaign_topic
from seedcast.campaigns.campaign_topic import Campaigns, change_state, restore_disputed
from seedcast.codec import encode_json
from seedcast.kafka import Partition, Record
from seedcast.schemas.messages import Campaign
from seedcast.settings import Settings
from seedcast.storage.memory_store import MemoryStore
from tests.builders.requests import numbered
from tests.builders.staged import stage

Change = Callable[[Campaign], Campaign]
NIGHT = stage(MemoryStore(), "night", [numbered(1)])


class Topic:
    """`late[n]`: what others do between the reading and the n-th record of anybody."""

    def __init__(self, late: list[list[Change]]) -> None:
        self.values, self._late = [encode_json(NIGHT)], late

    def write(self, campaign: Campaign) -> int:
        for change in self._late.pop(0) if self._late else ():
            self.change(change)
        self.values.append(encode_json(campaign))
        return len(self.values) - 1

    def change(self, change: Change) -> Campaign:
        campaigns = Follower(self)
        campaigns.catch_up()
        with _announcing(self):
            change_state(Settings(), None, campaigns, "night", change)  # type: ignore[arg-type]
        return campaigns.records["night"]

    def restore(self) -> None:
        """Do what a feeder does about records that others have overwritten."""
        campaigns = Follower(self)
        campaigns.catch_up()
        with _announcing(self):
            restore_disputed(Settings(), None, campaigns)  # type: ignore[arg-type]

    def state(self) -> tuple[Campaign, bool]:
        """Return what a reader knows, and whether compaction would change that."""
        campaigns = Follower(self)
        campaigns.catch_up()
        return campaigns.records["night"], bool(campaigns.disputed)


class Reader:
    def __init__(self, topic: Topic) -> None:
        self._topic, self._read = topic, 0

    def poll(self, _: float) -> list[Record]:
        new, first = self._topic.values[self._read :], self._read
        self._read = len(self._topic.values)
        return [Record(PARTITION, first + n, b"night", v, (), 0) for n, v in enumerate(new)]

    def to_end(self) -> Iterator[Record]:
        yield from self.poll(0)


PARTITION = Partition("campaigns", 0)


class Follower(Campaigns):
    def __init__(self, topic: Topic) -> None:
        self._reader, self._timeout = Reader(topic), 0.1  # type: ignore[assignment]
        self.records, self.disputed = {}, set()


@contextmanager
def _announcing(topic: Topic) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(campaign_topic, "announce", lambda _, __, campaign: topic.write(campaign))
        yield


def setting(**fields: Any) -> Change:
    return lambda campaign: replace(campaign, **fields)


OTHERS: dict[str, Change] = {
    "pause": campaign_state.paused,
    "tenant": setting(tenant="bank"),
    "rate": setting(rate=5.0),
    "start": setting(start_at=datetime(2026, 1, 1, tzinfo=UTC)),
}
EXPECTED: dict[str, Any] = {
    "pause": {"state": "paused"},
    "tenant": {"tenant": "bank"},
    "rate": {"rate": 5.0},
    "start": {"start_at": datetime(2026, 1, 1, tzinfo=UTC)},
}


@given(st.lists(st.lists(st.sampled_from(sorted(OTHERS)), max_size=2), max_size=5))
def test_every_change_holds_whoever_writes_in_between(names: list[list[str]]) -> None:
    topic = Topic([[OTHERS[name] for name in each] for each in names])
    seen = topic.change(setting(weight=2.0))
    done = {name for each, _ in zip(names, topic.values[1:], strict=False) for name in each}
    expected = {"weight": 2.0}
    for name in done:
        expected |= EXPECTED[name]
    state, disputed = topic.state()
    assert {field: getattr(state, field) for field in expected} == expected
    assert (state, disputed) == (seen, False)


def test_of_two_changes_of_one_term_the_later_holds() -> None:
    topic = Topic([[setting(weight=9.0)]])
    assert topic.change(setting(weight=2.0)).weight == 2.0


@pytest.mark.parametrize("change", [campaign_state.paused, setting(weight=2.0)])
def test_a_cancellation_in_between_holds_and_survives_compaction(change: Change) -> None:
    topic = Topic([[campaign_state.cancelled]])
    assert topic.change(change).state == "cancelled"
    state, disputed = topic.state()
    assert (state.state, disputed) == ("cancelled", False)


@given(st.lists(st.lists(st.sampled_from(sorted(OTHERS)), max_size=2), max_size=3))
def test_a_record_that_is_written_again_undoes_no_change_of_that_moment(
    names: list[list[str]],
) -> None:
    """A second submission has overwritten the first one's record, and an operator is at work."""
    topic = Topic([[OTHERS[name] for name in each] for each in names])
    second = stage(MemoryStore(), "night", [numbered(2)], staging="f" * 16)
    topic.values.append(encode_json(second))
    topic.restore()
    state, disputed = topic.state()
    expected: dict[str, Any] = {"staged": NIGHT.staged}
    for name in (name for each, _ in zip(names, topic.values[2:], strict=False) for name in each):
        expected |= EXPECTED[name]
    assert {field: getattr(state, field) for field in expected} == expected
    assert not disputed


def test_without_others_a_change_is_one_record_and_no_change_is_none() -> None:
    topic = Topic([])
    topic.change(setting(weight=2.0))
    topic.change(setting(weight=2.0))
    assert len(topic.values) == 2
