"""Requests of a paused or cancelled campaign leave the queue for slots at once."""

from datetime import UTC, datetime

import pytest

from seedcast.catalog import profiles
from seedcast.codec import decode_synthesis, encode_json
from seedcast.errors import BrokerUnavailable, Poison
from seedcast.gpu_consumers import publisher
from seedcast.gpu_consumers.admission import Admission
from seedcast.gpu_consumers.assignments import Assignment
from seedcast.gpu_consumers.ledger import Ledger
from seedcast.gpu_consumers.publisher import Publisher
from seedcast.kafka import Partition, Record
from seedcast.kafka.memory_producer import MemoryProducer, Sent
from seedcast.schemas.messages import CampaignState, Rejected
from seedcast.schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    REQUESTS,
    REQUESTS_PARKED,
    REQUESTS_URGENT,
    Topic,
)
from seedcast.settings import Settings
from seedcast.storage.memory_store import MemoryStore
from tests.builders.requests import a_request

SETTINGS = Settings()


class Harness:
    """An admission with one partition, and what it sent."""

    def __init__(self, topic: Topic = REQUESTS) -> None:
        self.states: dict[str, CampaignState] = {}
        self.producer = MemoryProducer()
        self.publisher = Publisher(SETTINGS, MemoryStore(), self.producer)
        self.admission = Admission(
            SETTINGS, profiles.load(SETTINGS.postprocess), self.states.get, self.publisher
        )
        self.assignment = Assignment(
            Partition(SETTINGS.topic(topic), 0), Ledger(0), committed=(0, "")
        )

    def receive(self, *campaigns: str, **changes: object) -> None:
        for campaign in campaigns:
            offset = self.assignment.tracker.watermark + self.assignment.tracker.span
            self.assignment.tracker.take(offset)
            request = a_request(request_id=f"request-{offset}", campaign_id=campaign, **changes)
            self.admission.receive(
                self.assignment,
                Record(self.assignment.partition, offset, b"7", encode_json(request), (), 0),
            )

    def admitted(self, *, bulk: bool = True) -> list[str]:
        return [each.request.campaign_id for _, each in self.admission.admit(100, bulk=bulk)]

    def sent(self, topic: Topic) -> list[Sent]:
        return [
            sent
            for sent in (*self.producer.acknowledged, *self.producer.outstanding)
            if sent.topic == SETTINGS.topic(topic)
        ]


@pytest.fixture
def harness() -> Harness:
    return Harness()


def statuses(records: list[Sent]) -> list[str]:
    decoded = [decode_synthesis(sent.value or b"") for sent in records]
    return [synthesis.status for synthesis in decoded if isinstance(synthesis, Rejected)]


def test_each_record_is_routed_by_the_state_of_its_campaign(harness: Harness) -> None:
    harness.states |= {"paused": "paused", "cancelled": "cancelled", "sealed": "sealed"}
    harness.receive("paused", "cancelled", "sealed", "nobody-announced-it")
    assert (len(harness.sent(REQUESTS_PARKED)), statuses(harness.sent(AUDIO))) == (1, ["cancelled"])
    assert harness.admitted() == ["sealed", "nobody-announced-it"]


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_waiting_requests_leave_at_once_although_no_slot_is_free(
    harness: Harness, state: CampaignState
) -> None:
    harness.receive("night", "day", "night", "night")
    harness.states["night"] = state
    harness.admission.sweep({"night"})
    assert (len(harness.admission), harness.admission.waiting(harness.assignment.partition)) == (
        1,
        1,
    )
    assert len(harness.sent(REQUESTS_PARKED if state == "paused" else AUDIO)) == 3
    harness.producer.answer()
    assert harness.assignment.tracker.checkpoint()[0] == 1
    assert harness.admitted() == ["day"]


def test_a_parked_request_is_done_only_once_the_broker_has_it(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "SEND_AGAIN", 0.0)
    harness.states["night"] = "paused"
    harness.receive("night")
    assert harness.assignment.tracker.watermark == 0
    harness.producer.answer(BrokerUnavailable("away"))
    assert harness.assignment.tracker.watermark == 0
    harness.publisher.poll()
    harness.producer.answer()
    assert harness.assignment.tracker.watermark == 1
    (parked,) = harness.producer.acknowledged
    assert (parked.topic, parked.key, b"request-0" in (parked.value or b"")) == (
        SETTINGS.topic(REQUESTS_PARKED),
        b"night",
        True,
    )


def test_a_request_that_cannot_be_parked_is_rejected(harness: Harness) -> None:
    harness.states["night"] = "paused"
    harness.receive("night")
    harness.producer.answer(Poison("too large", got="1 MiB"))
    harness.producer.answer()
    harness.publisher.poll()
    assert (statuses(harness.sent(AUDIO)), harness.assignment.tracker.watermark) == (["failed"], 1)


def test_the_deadline_is_checked_when_a_slot_is_free(harness: Harness) -> None:
    harness.receive("night", deadline=datetime(2026, 1, 1, tzinfo=UTC))
    assert (harness.admitted(), statuses(harness.sent(AUDIO))) == ([], ["expired"])


def test_an_urgent_request_stays_in_its_lane_and_passes_a_full_audio_backlog() -> None:
    harness = Harness(REQUESTS_URGENT)
    harness.states["cancelled"] = "cancelled"
    harness.receive("cancelled", "night")
    assert statuses(harness.sent(AUDIO_URGENT)) == ["cancelled"]
    assert harness.admitted(bulk=False) == ["night"]


def test_bulk_requests_wait_while_the_audio_backlog_is_over_its_limit(harness: Harness) -> None:
    harness.receive("night")
    assert (harness.admitted(bulk=False), len(harness.admission), harness.admitted()) == (
        [],
        1,
        ["night"],
    )
