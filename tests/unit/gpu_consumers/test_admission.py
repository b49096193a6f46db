"""Requests of a cancelled campaign leave the queue for slots at once."""

from datetime import UTC, datetime

import pytest

from seedcast.catalog import profiles
from seedcast.codec import decode_synthesis, encode_json
from seedcast.gpu_consumers.admission import Admission
from seedcast.gpu_consumers.ledger import Ledger
from seedcast.gpu_consumers.owned_partitions import Assignment
from seedcast.gpu_consumers.publisher import Publisher
from seedcast.kafka import Partition, Record
from seedcast.kafka.memory_producer import MemoryProducer, Sent
from seedcast.schemas.messages import CampaignState, Rejected
from seedcast.schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    REQUESTS,
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
            offset = self.assignment.ledger.watermark + self.assignment.ledger.span
            self.assignment.ledger.take(offset)
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


def test_requests_of_a_cancelled_campaign_are_answered_and_those_of_a_paused_one_spoken(
    harness: Harness,
) -> None:
    harness.states |= {"paused": "paused", "cancelled": "cancelled", "sealed": "sealed"}
    harness.receive("paused", "cancelled", "sealed", "nobody-announced-it")
    assert statuses(harness.sent(AUDIO)) == ["cancelled"]
    assert harness.admitted() == ["paused", "sealed", "nobody-announced-it"]


def test_waiting_requests_of_a_cancelled_campaign_leave_although_no_slot_is_free(
    harness: Harness,
) -> None:
    harness.receive("night", "day", "night", "night")
    harness.states["night"] = "cancelled"
    harness.admission.sweep({"night"})
    assert (len(harness.admission), harness.admission.waiting(harness.assignment.partition)) == (
        1,
        1,
    )
    assert statuses(harness.sent(AUDIO)) == ["cancelled"] * 3
    harness.producer.answer()
    assert harness.assignment.ledger.checkpoint()[0] == 1
    assert harness.admitted() == ["day"]


def test_a_pause_takes_nothing_away_that_waits_for_a_slot(harness: Harness) -> None:
    harness.receive("night", "day")
    harness.states["night"] = "paused"
    harness.admission.sweep({"night"})
    assert (harness.admitted(), harness.producer.outstanding) == (["night", "day"], [])


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
