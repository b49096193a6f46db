"""Parked requests: those of a paused campaign stay, all others go back, and none is lost.

This holds whatever the order of pauses, crashes and delivery reports.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from seedcast.codec import decode_request, encode_json
from seedcast.errors import BrokerUnavailable, TopicMismatch
from seedcast.gpu_consumers.detour import FROM, aside, back
from seedcast.gpu_consumers.parking import Parking
from seedcast.gpu_consumers.publisher import Publisher
from seedcast.gpu_consumers.shelf import Shelf
from seedcast.kafka import Committed, Offsets, Partition, Record
from seedcast.kafka.memory_producer import MemoryProducer, Sent
from seedcast.kafka.offset_state import MAX_STATE
from seedcast.kafka.partitioner import partition
from seedcast.schemas.messages import CampaignState
from seedcast.schemas.topics import REQUESTS, REQUESTS_PARKED, REQUESTS_URGENT
from seedcast.settings import GpuSettings, Settings
from seedcast.storage.memory_store import MemoryStore
from tests.builders.requests import a_request

SETTINGS = Settings(gpu=GpuSettings(commit_interval=1e9))  # commits when the test says so
PLACE = Partition(SETTINGS.topic(REQUESTS_PARKED), 0)
COUNTS = {SETTINGS.topic(topic): 8 for topic in (REQUESTS, REQUESTS_URGENT)}


class World:
    """One partition, its group and the campaigns' states; it also stands for GroupConsumer."""

    def __init__(self) -> None:
        self.log: list[Record] = []
        self.states: dict[str, CampaignState] = {}
        self.committed: tuple[int, str] | None = None
        self.producer = MemoryProducer()
        self.stuck = False  # not read yet, so that nobody can go back in it
        self.start()

    def start(self) -> None:
        """Start a worker after a crash: it knows what was committed; sends in progress are lost."""
        self.producer.outstanding.clear()
        self.publisher = publisher = Publisher(SETTINGS, MemoryStore(), self.producer)
        self.parking = Parking(
            SETTINGS, self.states.get, publisher, COUNTS, lambda: publisher.flush(0), self._join
        )
        offset, metadata = self.committed or (None, "")
        self.on_assign({PLACE: Committed(offset, metadata)})
        self.position = offset or 0

    def _join(self, *_: object, **callbacks: Callable[..., None]) -> Any:
        self.on_assign, self.on_revoke, self.on_lost, self.on_commit = (
            callbacks[f"on_{what}"] for what in ("assign", "revoke", "lost", "commit")
        )
        return self

    def revoke(self) -> None:
        self.on_revoke([PLACE])
        self.on_lost([PLACE])

    def poll(self, limit: int) -> Iterator[Record]:
        while limit and self.position < len(self.log):
            self.position, limit = self.position + 1, limit - 1
            yield self.log[self.position - 1]

    def seek(self, _: Partition, offset: int) -> None:
        if self.stuck:
            raise BrokerUnavailable("erroneous state")
        self.position = offset

    def commit_sync(self, offsets: Offsets) -> None:
        self.committed = offsets[PLACE]

    def commit_async(self, offsets: Offsets) -> None:
        self.commit_sync(offsets)
        self.on_commit(offsets, None)

    def park(self, campaign: str, topic: str = SETTINGS.topic(REQUESTS)) -> None:
        request = a_request(request_id=f"request-{len(self.log):05d}", campaign_id=campaign)
        route = aside(
            Record(Partition(topic, 0), 0, b"7", encode_json(request), (("trace", b"1"),), 0),
            campaign,
            SETTINGS,
        )
        self.log.append(
            Record(PLACE, len(self.log), route.key, encode_json(request), tuple(route.headers), 0)
        )

    def decide(self, campaign: str, state: CampaignState) -> None:
        self.states[campaign] = state
        self.parking.release({campaign})

    def settle(self) -> None:
        """Run until nothing is left to read and the broker has acknowledged everything."""
        self.parking.turn()
        while self.parking.busy or self.producer.outstanding or self.publisher._again:
            self.send_again()
            self.producer.answer()
            self.parking.turn()

    def send_again(self) -> None:
        """Let the time pass after which what the broker refused is sent again."""
        self.publisher._again_due = 0.0
        self.publisher.poll()


def put_back(sent: Sequence[Sent]) -> list[int]:
    """Return the offsets in the log of what was sent, which are the numbers in the ids."""
    return [int(decode_request(found.value or b"").request_id.rpartition("-")[2]) for found in sent]


def written(spans: dict[str, tuple[int, int]]) -> str:
    return "parked:" + json.dumps([40, spans])


@pytest.fixture
def world() -> World:
    return World()


def test_a_paused_campaign_at_the_head_holds_back_nobody_behind_it(world: World) -> None:
    world.states |= {"night": "paused", "day": "sealed"}
    for campaign in ("night", "night", "day", "night", "unknown"):
        world.park(campaign)
    world.settle()
    assert put_back(world.producer.acknowledged) == [2, 4]


def test_resuming_puts_back_from_the_first_and_only_what_is_still_there(world: World) -> None:
    world.states |= {"night": "paused", "day": "paused"}
    for campaign in ("day", "night", "other", "night", "day"):
        world.park(campaign)
    world.settle()
    world.decide("night", "sealed")
    world.settle()
    world.decide("day", "cancelled")  # whoever reads its requests next answers for them
    world.settle()
    assert put_back(world.producer.acknowledged) == [2, 1, 3, 0, 4]


def test_what_lies_before_is_not_forgotten_while_going_back_to_it_has_to_wait(world: World) -> None:
    world.states["night"] = "paused"
    world.park("night")
    world.settle()
    world.stuck = True
    world.decide("night", "sealed")
    world.park("night")
    world.settle()
    world.parking.commit()
    assert (put_back(world.producer.acknowledged), world.committed and world.committed[0]) == (
        [],
        0,
    )
    world.stuck = False
    world.settle()
    assert put_back(world.producer.acknowledged) == [0, 1]


def test_an_offset_is_committed_only_when_what_was_put_back_is_acknowledged(world: World) -> None:
    world.park("night")
    world.parking.turn()
    world.producer.answer(BrokerUnavailable("away"))
    world.parking.commit()
    assert world.committed is None or world.committed[0] == 0
    world.start()
    world.settle()
    world.parking.commit()
    assert (put_back(world.producer.acknowledged), world.committed) == ([0], (1, ""))


def test_a_restart_forgets_neither_what_waits_nor_what_has_left(world: World) -> None:
    world.states["night"] = "paused"
    for number in range(3000):
        world.park("night" if number % 3 == 0 else "day")
    world.settle()
    world.parking.commit()
    assert world.committed
    assert len(world.committed[1]) < 100, "what is kept grows with campaigns, not with requests"
    world.start()
    world.settle()
    assert len(put_back(world.producer.acknowledged)) == 2000, "nothing is put back twice"
    world.decide("night", "sealed")
    world.settle()
    world.parking.commit()
    assert Counter(put_back(world.producer.acknowledged)) == Counter(range(3000))
    assert world.committed == (3000, "")


def test_what_is_under_way_at_a_revocation_is_waited_for_and_committed(world: World) -> None:
    world.park("night")
    world.parking.turn()
    world.revoke()
    assert world.committed == (1, "")


def test_a_topic_that_refuses_for_good_ends_the_worker_and_keeps_the_offset(world: World) -> None:
    world.park("night")
    world.parking.turn()
    world.producer.answer(TopicMismatch("gone"))
    with pytest.raises(TopicMismatch):
        world.publisher.poll()
    world.parking.commit()
    assert world.committed in (None, (0, 'parked:[1,{"night":[0,0]}]'))


def test_more_paused_campaigns_than_metadata_can_name_only_repeat_work() -> None:
    shelf = Shelf.of(0)
    for number in range(500):
        assert shelf.advance(number, f"campaign-{number}")
        shelf.leave(number, f"campaign-{number}")
    assert shelf.checkpoint() == (0, "")
    few = Shelf.of(0)
    for number in range(40):
        few.advance(number, f"campaign-{number}")
        few.leave(number, f"campaign-{number}")
    watermark, metadata = few.checkpoint()
    assert 0 < len(metadata) <= MAX_STATE
    assert Shelf.of(watermark, metadata).spans == few.spans


@pytest.mark.parametrize(
    "metadata",
    ["", "written by another tool", "1:AAAA", "parked:", "parked:[1]", 'parked:[9,{"night":[1]}]'],
)
def test_foreign_metadata_means_that_nothing_is_known(metadata: str) -> None:
    assert Shelf.of(4, metadata).advance(4, "night")


@given(
    st.integers(0, 9),
    st.one_of(
        st.text(),
        st.text().map(lambda text: f"parked:[12,{{{text}"),
        st.dictionaries(st.text(), st.tuples(*[st.integers()] * 2)).map(written),
    ),
)
def test_whatever_the_metadata_the_watermark_does_not_go_back(
    watermark: int, metadata: str
) -> None:
    shelf = Shelf.of(watermark, metadata)
    shelf.advance(watermark, "night")
    assert shelf.checkpoint()[0] >= watermark


@pytest.mark.parametrize(
    ("topic", "lane"), [(REQUESTS, b"requests"), (REQUESTS_URGENT, b"requests.urgent")]
)
def test_the_way_back_is_the_way_there(topic: Any, lane: bytes) -> None:
    request = a_request(voice_seed=42)
    came = Record(
        Partition(SETTINGS.topic(topic), 3), 17, b"42", encode_json(request), (("trace", b"1"),), 0
    )
    there = aside(came, "night", SETTINGS)
    assert (there.topic, there.key, dict(there.headers)) == (
        SETTINGS.topic(REQUESTS_PARKED),
        b"night",
        {"trace": b"1", FROM: lane},
    )
    home = back(Record(PLACE, 0, there.key, came.value, tuple(there.headers), 0), SETTINGS, COUNTS)
    place = partition(b"42", request.request_id.encode(), SETTINGS.kafka.spread, 8)
    assert (home.topic, home.key, home.headers, home.partition) == (
        SETTINGS.topic(topic),
        b"42",
        (("trace", b"1"),),
        place,
    )


def test_what_is_no_request_goes_back_to_be_answered_for() -> None:
    route = back(
        Record(PLACE, 0, b"night", b"\xff nonsense", ((FROM, b"elsewhere"),), 0), SETTINGS, COUNTS
    )
    assert (route.topic, route.partition, route.headers) == (SETTINGS.topic(REQUESTS), -1, ())


NAMES = ("night", "day", "noon")


class Model(RuleBasedStateMachine):
    """Pauses, resumptions, crashes and delivery reports in any order.

    In the end each parked request is back on its topic.
    """

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.disturbed = False

    @rule(name=st.sampled_from(NAMES), count=st.integers(1, 4))
    def park(self, name: str, count: int) -> None:
        for _ in range(count):
            self.world.park(name)

    @rule(
        name=st.sampled_from(NAMES),
        state=st.sampled_from(["paused", "paused", "sealed", "cancelled"]),
    )
    def decide(self, name: str, state: CampaignState) -> None:
        self.world.decide(name, state)

    @rule()
    def turn(self) -> None:
        before = len(self.world.producer.outstanding)
        self.world.parking.turn()
        for sent in self.world.producer.outstanding[before:]:
            assert self.world.states.get(decode_request(sent.value or b"").campaign_id) != "paused"

    @rule()
    def acknowledge(self) -> None:
        self.world.producer.answer()

    @rule()
    def refuse(self) -> None:
        self.world.producer.answer(BrokerUnavailable("away"))

    @rule()
    def send_again(self) -> None:
        self.world.send_again()

    @rule()
    def commit(self) -> None:
        self.world.parking.commit()

    @rule()
    def crash(self) -> None:
        self.disturbed = True
        self.world.start()

    @rule(stuck=st.booleans())
    def hinder_going_back(self, stuck: bool) -> None:
        self.world.stuck = stuck

    @invariant()
    def what_a_new_owner_would_skip_is_acknowledged(self) -> None:
        shelf = Shelf.of(*(self.world.committed or (0, "")))
        begin = shelf.position
        left = {
            record.offset
            for record in self.world.log[begin:]
            if shelf.advance(record.offset, (record.key or b"").decode())
        }
        assert set(range(len(self.world.log))) - left <= set(
            put_back(self.world.producer.acknowledged)
        )

    @invariant()
    def nothing_is_put_back_twice_without_a_crash(self) -> None:
        if not self.disturbed:
            assert max(Counter(put_back(self.world.producer.acknowledged)).values(), default=1) == 1

    def teardown(self) -> None:
        self.world.stuck = False
        for name in NAMES:
            self.world.decide(name, "sealed")
        self.world.settle()
        assert set(put_back(self.world.producer.acknowledged)) == set(range(len(self.world.log)))
        self.world.parking.commit()
        assert (self.world.committed or (0, ""))[0] == len(self.world.log)


TestModel = Model.TestCase
TestModel.settings = examples(max_examples=60, stateful_step_count=40, deadline=None)
