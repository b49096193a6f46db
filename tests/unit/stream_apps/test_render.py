"""From one audio record to its renditions and its manifest, however wrong the record is."""

import hashlib
import hmac

import msgspec
import numpy as np
import pytest

from seedcast.campaigns.campaign_state import CANCELLED
from seedcast.catalog import profiles
from seedcast.codec import encode_json, encode_synthesis
from seedcast.errors import Undecodable
from seedcast.schemas.messages import RawAudio
from seedcast.settings import PostprocessSettings
from seedcast.storage.memory_store import MemoryStore
from seedcast.stream_apps.audio.chain import VERSION
from seedcast.stream_apps.postprocess.render import Outcome, RenderContext, render_record
from tests.builders.records import TEXT, audio, rejected, tone, word

SETTINGS = PostprocessSettings(digest_key="a key")  # type: ignore[arg-type]
DEPLOYMENT = RenderContext.of(SETTINGS, profiles.load(SETTINGS), MemoryStore())


def of(message: RawAudio) -> Outcome:
    return render_record(encode_synthesis(message), DEPLOYMENT)


def failure(message: RawAudio) -> tuple[str, str]:
    made = of(message)
    assert made.result.status == "failed"
    assert made.result.error
    assert not made.objects
    assert made.result.metadata == message.request.metadata
    assert TEXT not in made.result.error.message
    return made.result.error.code, made.result.error.message


def test_one_waveform_becomes_all_renditions_asked_for_once_each_in_order() -> None:
    message = audio(1, profiles=("phone", "telephony", "phone", "speaker"))
    made = of(message)
    assert [rendition.profile for rendition in made.result.renditions] == [
        "phone",
        "telephony",
        "speaker",
    ]
    for rendition, item in zip(made.result.renditions, made.objects, strict=True):
        assert rendition.uri == f"s3://memory/{item.key}"
        assert rendition.sha256 == hashlib.sha256(item.data).hexdigest()
        assert (
            item.key
            == f"night-1/{rendition.sha256[:2]}/{rendition.sha256}.{item.key.rpartition('.')[2]}"
        )
        assert rendition.bytes == len(item.data)
        assert 0.2 < rendition.duration < len(word()) / 22_050
    assert [item.key.rpartition(".")[2] for item in made.objects] == ["ogg", "wav", "flac"]
    assert (made.result.status, made.result.metadata, made.submitted_at) == (
        "succeeded",
        {"recipient": "1"},
        message.request.submitted_at,
    )


def test_the_receipt_holds_what_it_takes_to_synthesise_again() -> None:
    message = audio(7)
    receipt = of(message).result.receipt
    assert receipt
    assert (
        receipt.text_digest
        == hmac.new(b"a key", message.request.text.encode(), "sha256").hexdigest()
    )
    assert (
        receipt.voice_seed,
        receipt.waveform_sha256,
        receipt.engine_fingerprint,
        receipt.draw,
    ) == (7, message.waveform_sha256, "engine", 0)
    assert receipt.chain_fingerprint == DEPLOYMENT.chain_fingerprint


def test_unspoken_characters_are_counted_in_the_manifest() -> None:
    assert of(msgspec.structs.replace(audio(7), unspoken=3)).result.unspoken == 3


def test_the_same_record_twice_gives_the_same_bytes_and_objects() -> None:
    value = encode_synthesis(audio(1, profiles=tuple(DEPLOYMENT.profiles)))
    first, second = render_record(value, DEPLOYMENT), render_record(value, DEPLOYMENT)
    assert encode_json(first.result) == encode_json(second.result)
    assert first.objects == second.objects


def test_the_text_is_in_no_manifest_and_no_object() -> None:
    made = of(audio(1, profiles=tuple(DEPLOYMENT.profiles)))
    assert TEXT.encode() not in encode_json(made.result)
    assert all(TEXT.encode() not in item.data for item in made.objects)


def test_a_rejection_becomes_a_result_of_its_status() -> None:
    result = render_record(encode_synthesis(rejected(1)), DEPLOYMENT).result
    assert (result.request_id, result.campaign_id, result.status, result.metadata) == (
        "request-00001",
        "night-1",
        "expired",
        {"recipient": "1"},
    )
    assert result.error == rejected(1).error


def test_audio_of_a_cancelled_campaign_stores_nothing_and_ends_as_cancelled() -> None:
    made = render_record(encode_synthesis(audio(1)), DEPLOYMENT, frozenset({"night-1"}))
    assert (made.result.status, made.result.renditions, made.result.receipt, made.objects) == (
        "cancelled",
        (),
        None,
        (),
    )
    assert (made.result.request_id, made.result.campaign_id, made.result.metadata) == (
        "request-00001",
        "night-1",
        {"recipient": "1"},
    )
    assert made.result.error == CANCELLED


def test_other_campaigns_are_not_cancelled_with_it() -> None:
    assert (
        render_record(encode_synthesis(audio(1)), DEPLOYMENT, frozenset({"night-2"})).result.status
        == "succeeded"
    )


@pytest.mark.parametrize(
    "damage",
    [
        {"waveform_sha256": "0" * 64},
        {"flac": b"no flac"},
        {"flac": b""},
        {"sample_rate": 24_000},
        {"samples": 1},
    ],
    ids=["hash", "flac", "empty", "rate", "length"],
)
def test_a_waveform_that_is_not_what_the_record_says_fails_the_request(
    damage: dict[str, object],
) -> None:
    assert failure(msgspec.structs.replace(audio(1), **damage))[0] == "corrupt_audio"


def test_a_stereo_waveform_is_refused() -> None:
    stereo = audio(1, np.zeros((100, 2), "<i2"))
    assert failure(stereo)[0] == "corrupt_audio"


def test_an_unknown_profile_fails_the_request_and_names_the_known_ones() -> None:
    code, message = failure(audio(1, profiles=("telephony", "gramophone")))
    assert code == "unknown_profile"
    assert "expected any of archive, car, g722, m4a, phone" in message
    assert "got another at position 2" in message
    assert "gramophone" not in message


def test_each_rendition_reports_what_was_done_and_measured() -> None:
    kept, levelled = of(audio(1, profiles=("archive", "speaker"))).result.renditions
    assert (kept.trimmed, kept.denoised, kept.chain_version) == (0, False, VERSION)
    assert (levelled.loudness, levelled.denoised) == (
        pytest.approx(DEPLOYMENT.profiles["speaker"].loudness, abs=0.15),
        False,
    )
    assert levelled.true_peak is not None
    assert levelled.true_peak <= -1
    assert levelled.trimmed == pytest.approx(kept.duration - levelled.duration, abs=0.002)
    assert levelled.snr == kept.snr
    assert levelled.snr is not None
    assert levelled.snr > 24


def test_untrimmed_silence_has_no_loudness_and_is_still_a_result() -> None:
    (rendition,) = of(audio(1, np.zeros(22_050, "<i2"), profiles=("archive",))).result.renditions
    assert (rendition.loudness, rendition.true_peak) == (None, None)


def test_a_waveform_without_speech_fails_the_request_and_names_the_remedy() -> None:
    code, message = failure(audio(1, tone(22_050, 22_050)))
    assert code == "no_speech"
    assert 'trim = "off"' in message


def test_a_memory_error_fails_the_worker_and_not_the_request() -> None:
    class Full(MemoryStore):
        def uri(self, key: str) -> str:
            raise MemoryError

    with pytest.raises(MemoryError):
        render_record(
            encode_synthesis(audio(1)), RenderContext.of(SETTINGS, DEPLOYMENT.profiles, Full())
        )


def test_an_empty_waveform_fails_the_request() -> None:
    assert failure(audio(1, np.zeros(0, "<i2")))[0] == "render_error"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"garbage",
        b"{}",
        msgspec.msgpack.encode({"type": "audio"}),
        msgspec.msgpack.encode([1]),
        b"\x91" * 5000,
    ],
)
def test_a_record_without_a_readable_request_id_is_undecodable(value: bytes) -> None:
    with pytest.raises(Undecodable):
        render_record(value, DEPLOYMENT)


@pytest.mark.parametrize(
    ("broken", "campaign"),
    [
        (
            {"type": "audio", "request": {"request_id": "request-00001", "campaign_id": "night-1"}},
            "night-1",
        ),
        ({"type": "audio", "request": {"request_id": "request-00001", "campaign_id": "/"}}, None),
        ({"type": "rejected", "request_id": "request-00001"}, None),
        (
            {"type": "of tomorrow", "request_id": "request-00001", "campaign_id": "night-1"},
            "night-1",
        ),
    ],
)
def test_a_readable_request_id_gets_a_result_however_wrong_the_rest(
    broken: dict[str, object], campaign: str | None
) -> None:
    result = render_record(msgspec.msgpack.encode(broken), DEPLOYMENT).result
    assert (result.request_id, result.campaign_id, result.status) == (
        "request-00001",
        campaign,
        "failed",
    )
    assert result.error
    assert result.error.code == "corrupt_audio"
