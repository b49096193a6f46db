"""Old messages stay readable, and the documents generated from the code are up to date."""

import hmac
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from ops import generate, wire
from seedcast import codec
from seedcast.errors import InvalidRequest
from seedcast.schemas.messages import (
    Campaign,
    Cursor,
    FeederTerm,
    ListPart,
    Output,
    Outputs,
    RawAudio,
    Receipt,
    Rejected,
    Rendition,
    RequestError,
    SpeechRequest,
    SpeechResult,
    StagedList,
    Style,
    Worker,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "wire"
MOMENT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
SHA = "0f" * 32

REQUEST = SpeechRequest(
    request_id="0123456789abcdef0123456789abcdef",
    campaign_id="july-bills",
    text="您好 Anna, 7 dollars.",
    voice_seed=2**53 - 1,
    profiles=("phone", "telephony"),
    submitted_at=MOMENT,
    speaker="蘁淰",
    speed=1.25,
    style=Style(temperature=0.3, top_k=20),
    priority="urgent",
    deadline=MOMENT,
    metadata={"row": "1", "id": "n-0001"},
)
MARKUP = replace(REQUEST, text_format="markup", locale="en-GB")
RESULT = SpeechResult(
    request_id=REQUEST.request_id,
    campaign_id="july-bills",
    status="succeeded",
    renditions=(
        Rendition(
            profile="phone",
            uri="s3://seedcast/july-bills/0f/0f.ogg",
            format="ogg-opus",
            sample_rate=24000,
            duration=1.5,
            bytes=7,
            sha256=SHA,
            loudness=-16.0,
        ),
    ),
    receipt=Receipt(
        voice_seed=7,
        text_digest=SHA,
        waveform_sha256=SHA,
        engine_fingerprint="e",
        chain_fingerprint="c",
        draw=1,
    ),
    metadata={"row": "1"},
)
REJECTED = Rejected(
    request_id=REQUEST.request_id,
    campaign_id=None,
    status="expired",
    error=RequestError(code="expired", message="expected earlier"),
    metadata={"row": "1"},
)
AUDIO = RawAudio(
    request=REQUEST,
    flac=b"fLaC",
    sample_rate=22050,
    samples=3,
    clipped=1,
    waveform_sha256=SHA,
    engine_fingerprint="e",
    draw=0,
)
CAMPAIGN = Campaign(
    campaign_id="july-bills", state="sealed", created_at=MOMENT, accepted=320, deadline=MOMENT
)
STAGED = replace(
    CAMPAIGN,
    retry_of="june-bills",
    staged=StagedList(
        staging="0123456789abcdef",
        parts=(
            ListPart(rows=300, bytes=4096, sha256=SHA),
            ListPart(rows=20, bytes=512, sha256=SHA),
        ),
        digest=SHA,
        ids_digest=SHA[::-1],
        rejected=5,
        duplicates=3,
        spread=2,
        options={"list": "bills.csv", "id_column": "invoice"},
    ),
)
OUTPUT = Output(name="results.parquet", bytes=4096, sha256=SHA)
ENDED = replace(
    STAGED,
    state="completed",
    outputs=Outputs(
        results=OUTPUT,
        errors=replace(OUTPUT, name="errors.jsonl", bytes=0),
        summary=replace(OUTPUT, name="summary.json", bytes=512),
    ),
)
CURSOR = Cursor(
    campaign_id="july-bills",
    staging="0123456789abcdef",
    fed=300,
    generation=7,
    held="part-00001.parquet is missing",
)
TERM = FeederTerm(generation=7, feeder="0f" * 16)
WORKER = Worker(
    worker_id="seedcast-gpu-0-17-1f2e3d",
    kind="gpu-consumer",
    group="seedcast.gpu-consumers",
    version="0.1.0",
    state="ready",
    started_at=MOMENT,
    heartbeat=MOMENT,
    engine="espeak",
    fingerprint="espeak-" + "0f" * 16,
    slots=8,
    busy=3,
)

# The code of each version wrote its files once; all later versions must read them.
WRITTEN = {
    "v1/speech_request.json": (codec.decode_request, REQUEST),
    "v1/speech_result.json": (codec.decode_result, RESULT),
    "v1/campaign.json": (codec.decode_campaign, CAMPAIGN),
    "v1/staged_campaign.json": (codec.decode_campaign, STAGED),
    "v1/ended_campaign.json": (codec.decode_campaign, ENDED),
    "v1/cursor.json": (codec.decode_feeder_record, CURSOR),
    "v1/feeder_term.json": (codec.decode_feeder_record, TERM),
    "v1/worker.json": (codec.decode_worker, WORKER),
    "v1/raw_audio.msgpack": (codec.decode_synthesis, AUDIO),
    "v1/rejected.msgpack": (codec.decode_synthesis, REJECTED),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_bytes_of_an_earlier_version_decode_to_the_same_message(name: str) -> None:
    decode, message = WRITTEN[name]
    assert decode((FIXTURES / name).read_bytes()) == message


def test_a_campaign_that_has_not_ended_has_the_bytes_that_it_always_had() -> None:
    assert b"outputs" not in codec.encode_json(STAGED)
    for name in ("v1/ended_campaign.json", "v1/staged_campaign.json"):
        decode, message = WRITTEN[name]
        assert decode(codec.encode_json(message)) == message


def test_what_a_request_does_not_say_is_not_written() -> None:
    written = json.loads((FIXTURES / "v1/speech_request.json").read_bytes())
    assert json.loads(codec.encode_json(REQUEST)) == written
    assert (
        codec.text_digest(REQUEST, b"k") == hmac.digest(b"k", REQUEST.text.encode(), "sha256").hex()
    )


def test_format_and_locale_are_written_read_and_part_of_the_digest() -> None:
    assert codec.decode_request(codec.encode_json(MARKUP)) == MARKUP
    spoken = replace(AUDIO, request=MARKUP)
    assert codec.decode_synthesis(codec.encode_synthesis(spoken)) == spoken
    british = replace(REQUEST, locale="en-GB")
    assert len({codec.text_digest(request, b"k") for request in (REQUEST, british, MARKUP)}) == 3


def test_what_an_older_reader_knows_of_a_request_stays_as_it_was() -> None:
    new = json.loads(codec.encode_json(MARKUP))
    old = json.loads(codec.encode_json(REQUEST))
    assert {name: new[name] for name in old} == old


@pytest.mark.parametrize("wrong", [{"text_format": "ssml"}, {"locale": "en"}, {"locale": None}])
def test_an_unknown_format_or_locale_is_refused(wrong: dict[str, object]) -> None:
    value = json.dumps({**json.loads(codec.encode_json(REQUEST)), **wrong}).encode()
    with pytest.raises(InvalidRequest, match=next(iter(wrong))):
        codec.decode_request(value)


@pytest.mark.parametrize("message", [REQUEST, MARKUP, RESULT, CAMPAIGN, STAGED, ENDED, WORKER])
def test_messages_that_we_write_satisfy_the_published_schema(
    message: SpeechRequest | SpeechResult | Campaign | Worker,
) -> None:
    schema = wire.schema(type(message).__name__)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(json.loads(codec.encode_json(message)))) == []


def test_every_reference_in_asyncapi_resolves() -> None:
    document = wire.asyncapi()

    def refs(node: object) -> list[str]:
        if isinstance(node, dict):
            return [v for k, v in node.items() if k == "$ref"] + [
                ref for v in node.values() for ref in refs(v)
            ]
        return [ref for item in node for ref in refs(item)] if isinstance(node, list) else []

    for ref in refs(document):
        node: object = document
        for part in ref.removeprefix("#/").split("/"):
            assert isinstance(node, dict)
            node = node[part]
    assert len(document["channels"]) == 9
    assert not {topic.name for topic in wire.INTERNAL} & document["channels"].keys()


def test_generated_documents_are_up_to_date() -> None:
    stale = [str(path) for path, text in generate.documents().items() if path.read_text() != text]
    assert not stale, "run `make generate`"
