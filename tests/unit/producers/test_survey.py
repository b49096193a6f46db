"""The survey of a list: shares, samples and rough figures, in memory that does not grow."""

from typing import get_args

import pytest

from seedcast.catalog import profiles
from seedcast.catalog.formats import HAS_BITRATE, Format
from seedcast.producers.staging import survey
from seedcast.producers.staging.survey import Survey, bytes_per_second, seconds_of
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings
from tests.builders.requests import a_request

PROFILES = profiles.load(Settings().postprocess)


def surveyed(requests: list[SpeechRequest]) -> Survey:
    taken = Survey(PROFILES, lambda request: request.text.count("?"), lambda request: request.text)
    for request in requests:
        taken.add(request, b"x" * 100)
    return taken


def numbered(count: int, distinct: int) -> list[SpeechRequest]:
    return [
        a_request(request_id=f"r-{n}", text=f"Hello {n % distinct}.", metadata={"row": str(n)})
        for n in range(count)
    ]


def test_equal_requests_are_those_that_sound_the_same() -> None:
    requests = [
        a_request(request_id="a", text="One."),
        a_request(request_id="b", text="One."),
        a_request(request_id="c", text="One.", speed=1.5),
        a_request(request_id="d", text="Two."),
    ]
    assert surveyed(requests).findings(5).equal == 0.25
    assert surveyed([]).findings(5).equal == 0


def test_the_share_of_equal_requests_is_estimated_of_a_long_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(survey, "KEPT", 500)
    taken = surveyed(numbered(20_000, 10_000))
    assert taken.findings(5).equal == pytest.approx(0.5, abs=0.05)
    assert len(taken._distinct._compared) <= 500


def test_the_sample_is_of_the_whole_list_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "SAMPLE", 50)
    taken = surveyed(numbered(5000, 5000))
    rows = [int(request.metadata["row"]) for request in taken.findings(50).samples]
    assert rows == sorted(rows)
    assert len(set(rows)) == 50
    assert min(rows) < 1000 < 4000 < max(rows)
    assert len(taken.findings(5).samples) == 5


def test_figures_follow_the_words_the_speed_and_the_profiles() -> None:
    assert seconds_of("您好您好您好您好您好", 1.0) == pytest.approx(2.8)
    assert seconds_of("hellohello", 2.0) == pytest.approx(0.365)
    requests = [
        a_request(request_id="a", text="hello" * 20, profiles=("wav", "phone")),
        a_request(request_id="b", text="hello" * 20, profiles=("phone",)),
    ]
    found = surveyed(requests).findings(5)
    assert found.audio_seconds == pytest.approx(14.6)
    assert found.kafka_bytes == pytest.approx(200 + 14.6 * 24_000)
    assert found.s3_bytes == {
        "phone": pytest.approx(14.6 * PROFILES["phone"].bitrate / 8),
        "wav": pytest.approx(7.3 * 2 * PROFILES["wav"].sample_rate),
    }
    assert bytes_per_second(PROFILES["telephony"]) == PROFILES["telephony"].sample_rate
    assert bytes_per_second(PROFILES["archive"]) < 2 * PROFILES["archive"].sample_rate
    assert {*survey._SAMPLE_BYTES, *HAS_BITRATE} == set(get_args(Format))


def test_voices_and_characters_without_a_sound_are_counted() -> None:
    texts = ["One.", "T?o??", "Three?"]
    requests = [
        a_request(request_id=text, text=text, voice_seed=7 if text == "One." else 8)
        for text in texts
    ]
    found = surveyed(requests).findings(1)
    assert found.voices == ((8, 2), (7, 1))
    assert (found.unspoken, found.with_unspoken) == (4, 2)
