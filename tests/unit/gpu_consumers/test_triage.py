"""A record is spoken, rejected under its id, or a dead letter; no message quotes its text."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from seedcast.catalog import profiles
from seedcast.codec import encode_json, encode_synthesis
from seedcast.errors import Undecodable
from seedcast.gpu_consumers import triage
from seedcast.gpu_consumers.engines import Utterance
from seedcast.gpu_consumers.engines.espeak.engine import EspeakEngine
from seedcast.gpu_consumers.longest_speech import longest_speech
from seedcast.schemas.messages import RawAudio, Rejected, SpeechRequest
from seedcast.schemas.topics import AUDIO_BYTES, KIB, MIB
from seedcast.settings import PostprocessSettings
from seedcast.waveforms import decode_flac, waveform_sha256
from tests.builders.requests import a_request
from tests.builders.toy import ToyEngine

PROFILES = profiles.load(PostprocessSettings())
SECRET = "Zebra-4711"


def record(**changes: object) -> bytes:
    fields = msgspec.json.decode(encode_json(a_request(text=f"Hello {SECRET}.")))
    return msgspec.json.encode({**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"text": ""}, "invalid_request"),
        ({"text": 7}, "invalid_request"),
        ({"text": "…!?"}, "nothing_to_speak"),
        ({"text": "🎉🎉"}, "nothing_to_speak"),
        ({"text": f"{SECRET}\u0000"}, "invalid_request"),
        ({"text": SECRET * 10_000}, "invalid_request"),
        ({"voice_seed": -1}, "invalid_request"),
        ({"voice_seed": 2**53}, "invalid_request"),
        ({"profiles": ["phone", SECRET.lower()]}, "unknown_profile"),
        ({"profiles": []}, "invalid_request"),
        ({"deadline": "tomorrow"}, "invalid_request"),
        ({"campaign_id": "../etc"}, "invalid_request"),
        ({"speed": 9}, "invalid_request"),
        ({"text_format": SECRET}, "invalid_request"),
        ({"locale": SECRET}, "invalid_request"),
        ({"text_format": "markup", "text": f"<b>{SECRET}</b>"}, "invalid_request"),
        ({"text_format": "markup", "text": f"{SECRET} & Söhne"}, "invalid_request"),
        ({"text_format": "markup", "text": "<break/>…"}, "nothing_to_speak"),
    ],
)
def test_wrong_field_with_a_readable_id_is_rejected_under_that_id(
    changes: dict[str, object], code: str
) -> None:
    rejected = triage.of_record(record(**changes), PROFILES)
    assert isinstance(rejected, Rejected)
    assert (rejected.request_id, rejected.status, rejected.error.code) == (
        "request-1",
        "failed",
        code,
    )
    assert SECRET.lower() not in rejected.error.message.lower()


def test_only_a_request_that_says_so_is_markup() -> None:
    plain = triage.of_record(record(text="5 < 6 & <b>"), PROFILES)
    assert isinstance(plain, SpeechRequest)
    markup = record(text="5 &lt; 6<break/>", text_format="markup", locale="zh-HK")
    assert isinstance(triage.of_record(markup, PROFILES), SpeechRequest)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"request_id": 7}',
        b'{"request_id": "x"}',
        b'{"request_id": "request-1"',
        b"[" * 5000,
    ],
)
def test_record_without_a_readable_id_is_undecodable(value: bytes) -> None:
    assert isinstance(triage.of_record(value, PROFILES), Undecodable)


def test_sound_record_is_a_request_and_unknown_fields_are_ignored() -> None:
    assert isinstance(triage.of_record(record(invented_later=True), PROFILES), SpeechRequest)


def test_deadline_is_the_latest_moment_to_begin() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    request = a_request(deadline=moment)
    assert triage.expired(request, moment.timestamp()) is None
    late = triage.expired(request, (moment + timedelta(milliseconds=1)).timestamp())
    assert late is not None
    assert (late.status, late.error.code) == ("expired", "expired")


def test_a_cancelled_request_ends_under_its_id_without_its_text() -> None:
    ended = triage.cancelled(a_request(text=f"Hello {SECRET}.", metadata={"id": "7"}))
    assert (
        ended.request_id,
        ended.campaign_id,
        ended.status,
        ended.error.code,
        ended.metadata,
    ) == (
        "request-1",
        "night",
        "cancelled",
        "cancelled",
        {"id": "7"},
    )
    assert SECRET not in ended.error.message


def test_audio_carries_the_waveform_bit_for_bit_and_its_hash() -> None:
    engine = EspeakEngine(slots=1)
    engine.admit(1, a_request())
    (utterance,) = engine.step()
    audio = triage.of_utterance(a_request(), utterance, engine, AUDIO_BYTES)
    assert isinstance(audio, RawAudio)
    waveform, rate = decode_flac(audio.flac)
    assert (waveform_sha256(waveform), rate) == (audio.waveform_sha256, audio.sample_rate)


def noise(samples: int) -> Utterance:
    """Return an utterance that FLAC cannot make smaller."""
    full_scale = np.random.default_rng(1).integers(-(2**15), 2**15, samples)
    return Utterance(1, full_scale.astype("<i2"))


def test_what_fits_no_record_is_a_text_that_is_too_long_and_names_the_seconds() -> None:
    engine, limit = ToyEngine(), MIB
    longest = longest_speech(limit, engine.sample_rate)
    fits = triage.of_utterance(a_request(), noise(longest * engine.sample_rate), engine, limit)
    assert isinstance(fits, RawAudio)
    assert limit - 80 * KIB < len(encode_synthesis(fits)) < limit - 60 * KIB
    over = triage.of_utterance(a_request(), noise(2 + limit // 2), engine, limit)
    assert isinstance(over, Rejected)
    assert (over.status, over.error.code) == ("failed", "text_too_long")
    assert f"at most {longest} s of speech, got 66 s" in over.error.message
