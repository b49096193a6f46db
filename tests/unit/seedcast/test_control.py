"""What `pause` says of requests that are on their way."""

from datetime import UTC, datetime

import pytest

from seedcast.campaigns import in_flight
from seedcast.cli.control import _still_coming
from seedcast.errors import BrokerUnavailable
from seedcast.kafka import Committed, GroupOffsets, Partition
from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import AUDIO, GPU_CONSUMERS, POSTPROCESS, REQUESTS, REQUESTS_URGENT
from seedcast.settings import Settings

SETTINGS = Settings()
PAUSED = Campaign(
    campaign_id="night", state="paused", created_at=datetime(2026, 1, 1, tzinfo=UTC), accepted=2000
)


def test_what_is_fed_and_not_delivered_is_on_the_requests_topics_or_the_audio_topics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests, urgent, audio = (
        Partition(SETTINGS.topic(topic), 0) for topic in (REQUESTS, REQUESTS_URGENT, AUDIO)
    )
    ends = {requests: 900, urgent: 30, audio: 800}
    committed = {
        SETTINGS.group(GPU_CONSUMERS.name): {requests: 700, urgent: 30},
        SETTINGS.group(POSTPROCESS.name): {audio: 792},
    }
    monkeypatch.setattr(
        GroupOffsets,
        "committed",
        lambda _, group, *__: {p: Committed(at, "") for p, at in committed[group].items()},
    )
    monkeypatch.setattr(
        GroupOffsets,
        "bounds",
        lambda _, topics: {p: (0, end) for p, end in ends.items() if p.topic in topics},
    )
    assert in_flight.count_in_flight(SETTINGS) == 200 + 8


def test_a_pause_stands_although_nobody_can_say_how_many_requests_still_come(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Settings) -> int:
        raise BrokerUnavailable("looking up the offsets of topics")

    monkeypatch.setattr(in_flight, "count_in_flight", fail)
    assert _still_coming(SETTINGS, PAUSED) == "what is fed ahead is still spoken"
    assert "looking up the offsets of topics" in capsys.readouterr().err
