"""A sender: what it waits for, what it writes, and what it raises."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from seedcast.campaigns.campaign_state import merged
from seedcast.codec import decode_campaign, decode_request
from seedcast.errors import (
    AccessDenied,
    BrokerUnavailable,
    InvalidEvent,
    InvalidInput,
    Poison,
    Retryable,
    SeedcastError,
)
from seedcast.kafka import BackgroundProducer
from seedcast.kafka.memory_producer import MemoryProducer
from seedcast.producers.events.campaigns import EventCampaigns
from seedcast.producers.events.connection import Connection
from seedcast.producers.events.options import SendOptions
from seedcast.producers.events.sender import Sender
from seedcast.producers.request_topics import RequestTopics
from seedcast.schemas.messages import Campaign, CampaignState
from seedcast.settings import Settings
from tests.builders.waiting import eventually

SETTINGS = Settings()
PARTITIONS = {"seedcast.requests": 4, "seedcast.requests.urgent": 4}
EVENT = {"id": "order-7", "text": "Hello."}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DENIED = AccessDenied("producing to seedcast.requests")
POISON = Poison("the broker will never take this record")


class Broker(MemoryProducer):
    """Answers a topic's records at the next poll, once `needed` of them wait."""

    def __init__(self) -> None:
        super().__init__()
        self.needed, self.errors = 1, dict[str, SeedcastError]()
        self.silent = False

    def poll(self, timeout: float = 0.0) -> int:
        if not self.silent and self.outstanding:
            error = self.errors.pop(self.outstanding[0].topic, None)
            if error or self.outstanding[0].topic == "seedcast.campaigns":
                self.answer(error)
            elif len(self.outstanding) >= self.needed:
                self.answer()
        return 0

    def sent(self, topic: str) -> list[Any]:
        decode = decode_campaign if topic == "campaigns" else decode_request
        records = [each for each in self.acknowledged if each.topic == f"seedcast.{topic}"]
        return [decode(each.value or b"") for each in records]


class Followed:
    """The topic of campaigns, as its follower shows it."""

    def __init__(self) -> None:
        self.records, self.disputed = dict[str, Campaign](), set[str]()
        self.closed = False
        self._arrived = set[str]()

    def arrive(self, state: CampaignState, accepted: int | None = None) -> None:
        record = Campaign(campaign_id="alerts", state=state, created_at=NOW, accepted=accepted)
        known = self.records.get("alerts")
        self.records["alerts"] = state_now = merged(known, record)
        if state_now != record:
            self.disputed.add("alerts")
        self._arrived.add("alerts")

    def poll(self) -> set[str]:
        arrived, self._arrived = self._arrived, set()
        return arrived

    def close(self) -> None:
        self.closed = True


class World:
    def __init__(self) -> None:
        self.broker, self.campaigns, self.connections = Broker(), Followed(), 0

    def connect(self, settings: Settings, timeout: float) -> Connection:
        self.connections += 1
        producer = BackgroundProducer(self.broker)
        campaigns: Any = self.campaigns
        followed = EventCampaigns(settings, campaigns, producer)
        return Connection(RequestTopics(settings, PARTITIONS), followed, producer)

    def sender(self, **options: object) -> Sender:
        given: dict[str, Any] = {"campaign": "alerts", "voice": 7, **options}
        return Sender(SETTINGS, SendOptions(**given), self.connect)


@pytest.fixture
def world() -> Iterator[World]:
    return World()


def test_a_receipt_says_where_the_request_lies(world: World) -> None:
    with world.sender() as sender:
        receipt = sender.send(EVENT)
        urgent = sender.send({**EVENT, "priority": "urgent"})
    first, second = (each for each in world.broker.acknowledged if "requests" in each.topic)
    assert (first.topic, first.key, first.partition) == (receipt.topic, b"7", receipt.partition)
    assert (second.topic, urgent.topic) == ("seedcast.requests.urgent",) * 2
    assert receipt.offset is not None
    [request] = world.broker.sent("requests")
    assert (receipt.request_id, receipt.campaign_id) == (request.request_id, "alerts")
    assert world.campaigns.closed


def test_one_connection_serves_every_event_also_without_a_block(world: World) -> None:
    sender = world.sender()
    assert world.connections == 0
    for _ in range(3):
        sender.send(EVENT)
    sender.close()
    assert world.connections == 1


def test_a_campaign_gets_its_record_once_and_before_its_first_request(world: World) -> None:
    with world.sender() as sender:
        for _ in range(3):
            sender.send(EVENT)
    topics = [each.topic for each in world.broker.acknowledged]
    assert topics == ["seedcast.campaigns"] + ["seedcast.requests"] * 3
    [record] = world.broker.sent("campaigns")
    assert (record.campaign_id, record.state, record.accepted) == ("alerts", "open", None)


def test_a_campaign_that_has_a_record_gets_no_other(world: World) -> None:
    world.campaigns.arrive("open")
    with world.sender() as sender:
        sender.send(EVENT)
        world.campaigns.arrive("paused")
        sender.send(EVENT)
    assert world.broker.sent("campaigns") == []
    assert len(world.broker.sent("requests")) == 2


def test_a_campaign_that_could_not_be_opened_is_opened_by_the_next_event(world: World) -> None:
    world.broker.errors["seedcast.campaigns"] = AccessDenied("producing to seedcast.campaigns")
    with world.sender() as sender:
        with pytest.raises(AccessDenied, match=r"seedcast\.campaigns"):
            sender.send(EVENT)
        assert world.broker.sent("requests") == []
        sender.send(EVENT)
    assert len(world.broker.sent("campaigns")) == len(world.broker.sent("requests")) == 1


@pytest.mark.parametrize(
    ("state", "accepted", "got", "remedy"),
    [
        ("cancelled", None, "one that is cancelled", "another tenant"),
        ("sealed", 5, "one that is sealed, a list", "a list is whole"),
        ("completed", 5, "one that is completed, a list", "a list is whole"),
        ("paused", 5, "one that is paused, a list", "a list is whole"),
    ],
)
def test_a_campaign_that_has_ended_and_a_list_take_no_events(
    world: World, state: CampaignState, accepted: int | None, got: str, remedy: str
) -> None:
    with world.sender() as sender:
        sender.send(EVENT)
        world.campaigns.arrive(state, accepted)
        with pytest.raises(InvalidInput, match=f"campaign alerts; .*got {got}; .*{remedy}"):
            sender.send(EVENT)
        with pytest.raises(InvalidInput, match=f"got {got}"):
            asyncio.run(sender.send_async(EVENT))
    assert len(world.broker.sent("requests")) == 1


def test_a_record_that_came_after_a_cancellation_is_corrected(world: World) -> None:
    """Compaction would keep the record that says open."""

    def corrected() -> bool:
        with pytest.raises(InvalidInput, match="cancelled"):
            sender.send(EVENT)
        return len(world.broker.sent("campaigns")) > 1

    with world.sender() as sender:
        sender.send(EVENT)
        world.campaigns.arrive("cancelled")
        world.campaigns.arrive("open")
        world.broker.errors["seedcast.campaigns"] = DENIED  # so the next event corrects it
        eventually(corrected, what="another record")
    first, *others = [record.state for record in world.broker.sent("campaigns")]
    assert (first, set(others)) == ("open", {"cancelled"})


def test_a_wrong_event_is_raised_and_nothing_is_sent(world: World) -> None:
    too_large = {"metadata.blob": "x" * 1_100_000}
    with world.sender() as sender:
        for change, message in (
            ({"speed": 9}, "event, field 'speed'; expected a ratio from 0.5 to 2; got 9"),
            (too_large, "^event; expected at most 1,032,192 bytes"),
        ):
            with pytest.raises(InvalidEvent, match=message):
                sender.send({**EVENT, **change})
            with pytest.raises(InvalidEvent, match=message):
                asyncio.run(sender.send_async({**EVENT, **change}))
    assert world.broker.acknowledged == []


@pytest.mark.parametrize("error", [DENIED, POISON])
def test_what_the_broker_refuses_is_raised_as_it_is(world: World, error: SeedcastError) -> None:
    with world.sender() as sender:
        for send in (sender.send, lambda event: asyncio.run(sender.send_async(event))):
            world.broker.errors["seedcast.requests"] = error
            with pytest.raises(type(error)) as caught:
                send(EVENT)
            assert caught.value is error
        sender.send(EVENT)


def test_an_outage_is_retryable_and_says_how_to_repeat_the_event(world: World) -> None:
    with world.sender(timeout=0.2) as sender:
        sender.send(EVENT)
        world.broker.silent = True
        message = r"expected an acknowledgement within 0.2 s; got none yet; .*id 'order-7'"
        with pytest.raises(Retryable, match=message):
            sender.send(EVENT)
        with pytest.raises(Retryable, match=message):
            asyncio.run(sender.send_async(EVENT))
        world.broker.silent = False
        eventually(lambda: not world.broker.outstanding, what="the late answers")
        world.broker.errors["seedcast.requests"] = BrokerUnavailable("message timed out")
        with pytest.raises(Retryable, match="got message timed out; send it again"):
            sender.send(EVENT)
    assert len({request.request_id for request in world.broker.sent("requests")}) == 1


def test_waiting_for_the_campaigns_record_counts_towards_the_timeout(world: World) -> None:
    world.broker.silent = True
    with world.sender(timeout=0.2) as sender:
        with pytest.raises(Retryable, match=r"within 0\.2 s; got none yet"):
            sender.send(EVENT)
        with pytest.raises(Retryable, match=r"within 0\.2 s; got none yet"):
            asyncio.run(sender.send_async(EVENT))
        world.broker.silent = False
        sender.send(EVENT)
    assert len(world.broker.sent("campaigns")) == len(world.broker.sent("requests")) == 1


def test_a_prepared_request_is_sent_again_as_the_same_request(world: World) -> None:
    with world.sender() as sender:
        request = sender.prepare({"text": "Hello."})
        assert sender.send(request).request_id == sender.send(request).request_id
    assert world.broker.sent("requests") == [request, request]


def test_many_events_are_in_flight_at_once_and_the_loop_goes_on(world: World) -> None:
    world.broker.needed = 100  # the broker answers none before it has them all

    async def send_all() -> set[str]:
        async with world.sender() as sender:
            events = ({"id": n, "text": "Hello."} for n in range(100))
            receipts = await asyncio.gather(*map(sender.send_async, events))
            return {receipt.request_id for receipt in receipts}

    assert len(asyncio.run(send_all())) == 100
    assert len(world.broker.sent("campaigns")) == 1
    assert world.campaigns.closed


def test_one_who_gives_up_does_not_cancel_the_campaigns_record_for_the_others(
    world: World,
) -> None:
    async def two() -> None:
        async with world.sender() as sender:
            world.broker.silent = True
            first = asyncio.ensure_future(sender.send_async({**EVENT, "id": 1}))
            second = asyncio.ensure_future(sender.send_async({**EVENT, "id": 2}))
            await asyncio.sleep(0)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            world.broker.silent = False
            await second

    asyncio.run(two())
    assert [request.metadata["id"] for request in world.broker.sent("requests")] == ["2"]


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan")])
def test_a_timeout_that_is_no_time_is_refused(world: World, timeout: float) -> None:
    with pytest.raises(InvalidInput, match="option timeout"):
        world.sender(timeout=timeout)
