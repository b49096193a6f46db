"""What waits for a slot belongs to no campaign that is paused or cancelled, from the moment that is heard of."""

from datetime import UTC, datetime

import pytest

from gpu_consumers.admission import Admission
from gpu_consumers.assignments import Assignment
from gpu_consumers.ledger import Ledger
from gpu_consumers.publisher import Publisher
from schemas.messages import CampaignState, Rejected
from schemas.topics import AUDIO, AUDIO_URGENT, REQUESTS, REQUESTS_PARKED, REQUESTS_URGENT, Topic
from seedcast.catalog import profiles
from seedcast.codec import decode_synthesis, encode_json
from seedcast.errors import BrokerUnavailable, Poison
from seedcast.kafka import Partition, Record
from seedcast.kafka.memory_producer import MemoryProducer, Sent
from seedcast.settings import Settings
from storage.memory_store import MemoryStore
from tests.unit.gpu_consumers.requests import a_request

SETTINGS = Settings()


class Desk:
    """A reception with one partition, and what it sent."""

    def __init__(self, topic: Topic = REQUESTS) -> None:
        self.states: dict[str, CampaignState] = {}
        self.producer = MemoryProducer()
        self.publisher = Publisher(SETTINGS, MemoryStore(), self.producer)
        self.reception = Admission(
            SETTINGS, profiles.load(SETTINGS.postprocess), self.states.get, self.publisher
        )
        self.assignment = Assignment(
            Partition(SETTINGS.topic(topic), 0), Ledger(0), committed=(0, "")
        )

    def receive(self, *campaigns: str, **changes: object) -> None:
        for campaign in campaigns:
            offset = self.assignment.ledger.watermark + self.assignment.ledger.span
            self.assignment.ledger.take(offset)
            request = a_request(request_id=f"request-{offset}", campaign_id=campaign, **changes)
            self.reception.receive(
                self.assignment,
                Record(self.assignment.partition, offset, b"7", encode_json(request), (), 0),
            )

    def admitted(self, *, bulk: bool = True) -> list[str]:
        return [flight.request.campaign_id for _, flight in self.reception.admit(100, bulk=bulk)]

    def sent(self, topic: Topic) -> list[Sent]:
        return [
            found
            for found in (*self.producer.acknowledged, *self.producer.outstanding)
            if found.topic == SETTINGS.topic(topic)
        ]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def statuses(found: list[Sent]) -> list[str]:
    decoded = [decode_synthesis(sent.value or b"") for sent in found]
    return [synthesis.status for synthesis in decoded if isinstance(synthesis, Rejected)]


def test_each_record_is_judged_by_its_campaign_when_it_comes(desk: Desk) -> None:
    desk.states |= {"paused": "paused", "cancelled": "cancelled", "sealed": "sealed"}
    desk.receive("paused", "cancelled", "sealed", "nobody-announced-it")
    assert (len(desk.sent(REQUESTS_PARKED)), statuses(desk.sent(AUDIO))) == (1, ["cancelled"])
    assert desk.admitted() == ["sealed", "nobody-announced-it"]


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_what_waits_leaves_at_once_although_no_slot_is_free(
    desk: Desk, state: CampaignState
) -> None:
    desk.receive("night", "day", "night", "night")
    desk.states["night"] = state
    desk.reception.sweep({"night"})
    assert (len(desk.reception), desk.reception.waiting(desk.assignment.partition)) == (1, 1)
    assert len(desk.sent(REQUESTS_PARKED if state == "paused" else AUDIO)) == 3
    desk.producer.answer()
    assert desk.assignment.ledger.checkpoint()[0] == 1
    assert desk.admitted() == ["day"]


def test_a_parked_request_is_done_only_when_the_broker_has_it(desk: Desk) -> None:
    desk.states["night"] = "paused"
    desk.receive("night")
    assert desk.assignment.ledger.watermark == 0
    desk.producer.answer(BrokerUnavailable("away"))
    assert desk.assignment.ledger.watermark == 0
    desk.producer.answer()
    assert desk.assignment.ledger.watermark == 1
    (parked,) = desk.producer.acknowledged
    assert (parked.topic, parked.key, b"request-0" in (parked.value or b"")) == (
        SETTINGS.topic(REQUESTS_PARKED),
        b"night",
        True,
    )


def test_a_request_that_cannot_be_parked_is_answered_for_and_ends_nobody(desk: Desk) -> None:
    desk.states["night"] = "paused"
    desk.receive("night")
    desk.producer.answer(Poison("too large", got="1 MiB"))
    desk.producer.answer()
    desk.publisher.poll()
    assert (statuses(desk.sent(AUDIO)), desk.assignment.ledger.watermark) == (["failed"], 1)


def test_the_deadline_is_judged_when_it_would_be_spoken(desk: Desk) -> None:
    desk.receive("night", deadline=datetime(2026, 1, 1, tzinfo=UTC))
    assert (desk.admitted(), statuses(desk.sent(AUDIO))) == ([], ["expired"])


def test_an_urgent_one_is_answered_in_its_lane_and_needs_no_room_for_bulk() -> None:
    desk = Desk(REQUESTS_URGENT)
    desk.states["cancelled"] = "cancelled"
    desk.receive("cancelled", "night")
    assert statuses(desk.sent(AUDIO_URGENT)) == ["cancelled"]
    assert desk.admitted(bulk=False) == ["night"]


def test_bulk_that_is_held_back_waits(desk: Desk) -> None:
    desk.receive("night")
    assert (desk.admitted(bulk=False), len(desk.reception), desk.admitted()) == ([], 1, ["night"])
