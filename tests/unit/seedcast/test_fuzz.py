"""Whatever comes from outside, a decoder returns a value or raises its mapped error."""

import gzip
import io
import string
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from seedcast import codec
from seedcast import settings as configuration
from seedcast.catalog import profiles
from seedcast.embedded.stack_state import ProcessRecord, State
from seedcast.embedded.stack_state import read as read_state
from seedcast.errors import (
    InvalidInput,
    InvalidRequest,
    InvalidRow,
    InvalidSettings,
    LocalResource,
    SeedcastError,
    Undecodable,
)
from seedcast.failpoints import parse
from seedcast.gpu_consumers.ledger import Ledger
from seedcast.gpu_consumers.triage import of_record
from seedcast.kafka import Partition, Record
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BadRow
from seedcast.producers.staging.options import SubmitOptions
from seedcast.schemas.messages import (
    Campaign,
    RawAudio,
    Receipt,
    Rejected,
    Rendition,
    RequestError,
    SpeechRequest,
    SpeechResult,
)
from seedcast.settings import PostprocessSettings
from seedcast.storage import dead_letters
from seedcast.storage.memory_store import MemoryStore
from seedcast.stream_apps.postprocess.render import RenderContext, render_record
from seedcast.waveforms import decode_flac
from tests.builders.fuzz import anything, damaged, values
from tests.builders.records import audio, rejected
from tests.builders.requests import a_request
from tests.builders.workbooks import a_list


def parquet() -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(
        pyarrow.table({"id": ["n-1", "n-2"], "text": ["Hello.", None]}), file
    )
    return file.getvalue()


def odd_parquet() -> bytes:
    """Return types that no list needs, and each of them is valid."""
    kinds = {
        "of a zone": (0, pyarrow.timestamp("ms", "+05:30")),
        "length": (1, pyarrow.duration("us")),
        "bytes": (b"\xff", pyarrow.binary()),
        "fixed": (b"ab", pyarrow.binary(2)),
        "half": (np.float16(1.5), pyarrow.float16()),
        "decimal": (Decimal("1.50"), pyarrow.decimal256(50, 2)),
        "word": ("a", pyarrow.dictionary(pyarrow.int8(), pyarrow.string())),
        "map": ([("a", 1)], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
        "nested": (
            [{"a": [None]}],
            pyarrow.list_(pyarrow.struct({"a": pyarrow.list_(pyarrow.int8())})),
        ),
        "nothing": (None, pyarrow.null()),
    }
    columns = {name: pyarrow.array([value, None], kind) for name, (value, kind) in kinds.items()}
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


def a_workbook() -> bytes:
    with TemporaryDirectory() as folder:
        return a_list(Path(folder), ["id", "text"], ["n-1", "Hello."], [2, 1.5]).read_bytes()


PROFILES = profiles.load(PostprocessSettings())
DEPLOYMENT = RenderContext(PROFILES, "chain", b"key", MemoryStore())
NOW = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = codec.encode_json(
    a_request(metadata={"row": "7", "名": "值"}, deadline=NOW, speaker="蘁淰")
)
RESULT = codec.encode_json(
    SpeechResult(
        request_id="request-1",
        campaign_id="night",
        status="succeeded",
        renditions=(
            Rendition(
                profile="phone",
                uri="s3://b/k",
                format="ogg",
                sample_rate=8000,
                duration=1.0,
                bytes=3,
                sha256="0" * 64,
            ),
        ),
        receipt=Receipt(
            voice_seed=1,
            text_digest="0" * 64,
            waveform_sha256="0" * 64,
            engine_fingerprint="e",
            chain_fingerprint="c",
            draw=0,
        ),
        error=RequestError(code="expired", message="late"),
    )
)
CAMPAIGN = codec.encode_json(
    Campaign(campaign_id="night", state="open", created_at=NOW, deadline=NOW)
)
PARQUET = parquet()
SYNTHESIS = [codec.encode_synthesis(audio(1)), codec.encode_synthesis(rejected(1))]


@given(anything([REQUEST], SpeechRequest))
def test_any_record_is_a_request_a_rejection_or_undecodable(value: bytes) -> None:
    result = of_record(value, PROFILES)
    assert isinstance(result, SpeechRequest | Rejected | Undecodable)
    with suppress(Undecodable):
        codec.rejection(value, InvalidRequest("invalid_request", "wrong"))
    if isinstance(result, Rejected):
        assert codec.decode_synthesis(codec.encode_synthesis(result)) == result


@pytest.mark.parametrize(
    ("decode", "valid", "kind"),
    [
        (codec.decode_result, [RESULT], SpeechResult),
        (codec.decode_campaign, [CAMPAIGN], Campaign),
        (codec.decode_synthesis, SYNTHESIS, Rejected),
    ],
    ids=["result", "campaign", "synthesis"],
)
def test_any_record_is_decoded_or_undecodable(
    decode: Callable[[bytes], object], valid: list[bytes], kind: type[msgspec.Struct]
) -> None:
    @given(anything(valid, kind))
    def decodes_or_is_undecodable(value: bytes) -> None:
        with suppress(Undecodable):
            assert isinstance(decode(value), (SpeechResult, Campaign, RawAudio, Rejected))

    decodes_or_is_undecodable()


@given(damaged(SYNTHESIS) | st.binary(max_size=200) | values.map(msgspec.msgpack.encode))
@examples(deadline=None)
def test_any_audio_record_gives_a_result_or_is_undecodable(value: bytes) -> None:
    with suppress(Undecodable):
        result = render_record(value, DEPLOYMENT).result
        assert codec.decode_result(codec.encode_json(result)) == result


@given(damaged([audio(1).flac]) | st.binary(max_size=200).map(b"fLaC".__add__))
@examples(deadline=None)
def test_any_flac_is_a_waveform_or_undecodable(value: bytes) -> None:
    with suppress(Undecodable):
        waveform, sample_rate = decode_flac(value)
        assert (waveform.ndim, waveform.dtype, sample_rate > 0) == (1, "<i2", True)


LETTER = dict(
    dead_letters.dead_letter(
        Record(Partition("t", 1), 2, b"k", b"v", (), 0),
        Undecodable("no"),
        stage="s",
        store=MemoryStore(),
    )[2]
)
headers = st.lists(
    st.tuples(
        st.sampled_from([*LETTER, dead_letters.OBJECT, dead_letters.ORIGINAL + "x"])
        | st.text(max_size=9),
        st.binary(max_size=40),
    ),
    max_size=8,
)


@given(headers)
@example([(dead_letters.DELIVERY_COUNT, b"9" * 5000)])
@example([(dead_letters.FIRST_FAILURE, b"2026-01-01T00:00:00+99:99")])
def test_any_headers_are_a_dead_letter_or_undecodable_and_can_be_dead_lettered_again(
    changed: list[tuple[str, bytes]],
) -> None:
    record = Record(
        Partition("dead-letters", 0), 5, b"k", b"v", tuple((LETTER | dict(changed)).items()), 0
    )
    with suppress(Undecodable):
        letter = dead_letters.parse(record)
        with suppress(SeedcastError):  # an address from outside may name no object
            dead_letters.original(letter, MemoryStore())
    key, value, headers = dead_letters.dead_letter(
        record, Undecodable("no"), stage="s", store=MemoryStore()
    )
    again = Record(record.partition, 6, key, value, tuple(headers), 0)
    assert dead_letters.parse(again).offset == 5


@given(
    st.integers(0, 2**62),
    st.text(max_size=60)
    | st.text(string.ascii_letters + string.digits + "+/=", max_size=4090).map("1:".__add__),
)
def test_any_offset_metadata_gives_a_ledger_that_never_goes_below_the_watermark(
    watermark: int, metadata: str
) -> None:
    ledger = Ledger(watermark, metadata)
    for offset in range(watermark, watermark + 40):
        ledger.take(offset)
    assert ledger.checkpoint()[0] >= watermark


NAMES = [name for name, *_ in configuration.table()]
words = (
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
    | st.integers().map(str)
    | values.map(msgspec.json.encode).map(bytes.decode)
)


@given(
    st.dictionaries(
        st.sampled_from(NAMES)
        | st.text(string.ascii_uppercase + "_", min_size=1, max_size=12).map("SEEDCAST_".__add__),
        words,
        max_size=4,
    )
)
@examples(max_examples=200, deadline=None)
def test_any_environment_gives_settings_or_an_error(env: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        with suppress(InvalidSettings):
            assert isinstance(configuration.load(), configuration.Settings)


@given(
    anything(
        [msgspec.json.encode(State(broker_port=9092, processes={"broker": ProcessRecord(1, 0.5)}))],
        State,
    )
)
@example(b'{"x":' + b"[" * 20_000)
def test_any_stack_state_is_read_or_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder, suppress(LocalResource):
        (Path(folder) / "stack.json").write_bytes(content)
        assert isinstance(read_state(Path(folder)), State)


@given(
    st.text(max_size=40)
    | st.tuples(
        st.sampled_from(["gpu.sent", "submit.stored"]),
        st.integers().map(str) | st.text(max_size=5),
        st.text(max_size=5),
    ).map(":".join)
)
def test_any_failpoint_is_armed_or_refused(value: str) -> None:
    with suppress(InvalidSettings):
        armed = parse(value)
        assert armed is None or value.startswith(f"{armed.name}:{armed.passage}")


COLUMNS = (
    "id",
    "text",
    "template",
    "voice",
    "voice_seed",
    "speaker",
    "speed",
    "profile",
    "profiles",
    "deadline",
    "priority",
    "text_format",
    "locale",
    "temperature",
    "top_p",
    "top_k",
    "break",
)
cells: st.SearchStrategy[Any] = values | st.sampled_from(
    [
        "2h",
        "2026-01-01T00:00:00Z",
        "Hello {name}",
        "{name:date|x}",
        "<break/>a",
        "markup",
        "en_gb",
        "urgent",
        "phone;speaker",
        "1e309",
        "-0",
        "٣",
    ]
)


@given(st.dictionaries(st.sampled_from([*COLUMNS, "name", "metadata.x"]), cells, max_size=8))
@examples(deadline=None)
def test_any_row_is_a_request_or_an_invalid_row(row: dict[str, Any]) -> None:
    builder = Builder(SubmitOptions(campaign="night", voice=1), NOW, PROFILES)
    with suppress(InvalidRow):
        request = builder.build(1, row, NOW)
        assert codec.decode_request(codec.encode_json(request)) == request


FILES = {
    ".csv": [
        b'id,text\nn-1,Hello.\nn-2,"quoted, and more"\n',
        "\ufeffid;text\nn-1;您好\n".encode(),
    ],
    ".jsonl": [b'{"id": "n-1", "text": "Hello."}\n\n{"id": "n-2", "text": null}\n'],
    ".parquet": [PARQUET, odd_parquet()],
    ".xlsx": [a_workbook()],
    ".csv.gz": [gzip.compress(b"id,text\nn-1,Hello.\n")],
    ".jsonl.zst": [bytes(pyarrow.compress(b'{"text": "Hello."}\n', "zstd", asbytes=True))],
}


@pytest.mark.parametrize("suffix", FILES)
def test_any_file_gives_rows_or_an_error(
    suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / f"list{suffix}"

    @given(damaged(FILES[suffix]) | st.binary(max_size=300))
    @examples(max_examples=60, deadline=None)
    def gives_rows_or_an_error(content: bytes) -> None:
        path.write_bytes(content)
        with suppress(InvalidInput):
            for row in read(path).rows:
                assert isinstance(row, BadRow | tuple)

    gives_rows_or_an_error()
