"""Manifests as Parquet: the derived schema is the published one, and results round-trip."""

from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seedcast.errors import InvalidInput, LocalResource
from seedcast.schemas.messages import Receipt, Rendition, RequestError, SpeechResult
from seedcast.storage import manifests

RENDITION_COLUMNS = pa.struct(
    [
        ("profile", pa.string()),
        ("uri", pa.string()),
        ("format", pa.string()),
        ("sample_rate", pa.int32()),
        ("duration", pa.float64()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("loudness", pa.float64()),
        ("true_peak", pa.float64()),
        ("snr", pa.float64()),
        ("denoised", pa.bool_()),
        ("trimmed", pa.float64()),
        ("chain_version", pa.int32()),
    ]
)
RECEIPT_COLUMNS = pa.struct(
    [
        ("voice_seed", pa.int64()),
        ("text_digest", pa.string()),
        ("waveform_sha256", pa.string()),
        ("engine_fingerprint", pa.string()),
        ("chain_fingerprint", pa.string()),
        ("draw", pa.int32()),
    ]
)
PUBLISHED_SCHEMA = pa.schema(
    [
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("campaign_id", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("renditions", pa.list_(RENDITION_COLUMNS), nullable=False),
        pa.field("receipt", RECEIPT_COLUMNS),
        pa.field("error", pa.struct([("code", pa.string()), ("message", pa.string())])),
        pa.field("unspoken", pa.int32(), nullable=False),
        pa.field("metadata", pa.map_(pa.string(), pa.string()), nullable=False),
    ]
)


def result(number: int) -> SpeechResult:
    rendition = Rendition(
        profile="phone",
        uri=f"s3://b/{number}",
        format="ogg-opus",
        sample_rate=24_000,
        duration=1.5,
        bytes=10,
        sha256="0" * 64,
        loudness=-16.5,
    )
    unmeasured = Rendition(
        profile="wav",
        uri=f"s3://b/{number}",
        format="wav-pcm16",
        sample_rate=8_000,
        duration=0.1,
        bytes=2**40,
        sha256="1" * 64,
    )
    receipt = Receipt(
        voice_seed=2**53 - 1,
        text_digest="2" * 64,
        waveform_sha256="3" * 64,
        engine_fingerprint="e",
        chain_fingerprint="c",
        draw=1,
    )
    if number % 3:
        return SpeechResult(
            request_id=f"request-{number}",
            campaign_id="night",
            status="succeeded",
            renditions=(rendition, unmeasured),
            receipt=receipt,
            unspoken=number % 5,
            metadata={"姓名": "王", "": "empty"},
        )
    return SpeechResult(
        request_id=f"request-{number}",
        campaign_id=None,
        status="failed",
        error=RequestError(code="engine_error", message="no"),
    )


def test_the_derived_schema_is_the_published_one() -> None:
    assert manifests.SCHEMA.equals(PUBLISHED_SCHEMA, check_metadata=True)


def test_a_new_field_of_a_struct_becomes_a_column() -> None:
    class NewRendition(Rendition, frozen=True, kw_only=True):
        codec: str | None = None

    class NewResult(SpeechResult, frozen=True, kw_only=True):
        renditions: tuple[NewRendition, ...] = ()
        attempts: int = 1
        remark: str | None = None

    schema = manifests.result_schema(NewResult)
    assert schema.names == [*PUBLISHED_SCHEMA.names, "attempts", "remark"]
    assert schema.field("attempts") == pa.field("attempts", pa.int64(), nullable=False)
    assert schema.field("remark") == pa.field("remark", pa.string())
    assert schema.field("renditions").type.value_type.field("codec") == pa.field(
        "codec", pa.string()
    )


@pytest.mark.parametrize("unknown", [set[str], int | str, msgspec.Raw])
def test_a_new_field_whose_type_has_no_column_is_refused(unknown: object) -> None:
    struct = msgspec.defstruct("Newer", [("attempts", int), ("added", unknown)])
    with pytest.raises(TypeError, match=r"Newer\.added: no Parquet column"):
        manifests.result_schema(struct)


def test_each_narrow_column_is_a_field_of_its_struct() -> None:
    assert all(name in struct.__struct_fields__ for struct, name in manifests._INT32)


def test_manifests_round_trip_across_batches(tmp_path: Path) -> None:
    results = [result(number) for number in range(2 * manifests.BATCH + 1)]
    assert manifests.write(tmp_path / "night.parquet", iter(results)) == len(results)
    assert list(manifests.read(tmp_path / "night.parquet")) == results
    # One row group per batch: the rows were written as they came, not held.
    assert pq.ParquetFile(tmp_path / "night.parquet").num_row_groups == 3


def test_no_results_make_an_empty_table_with_the_schema(tmp_path: Path) -> None:
    assert manifests.write(tmp_path / "none.parquet", []) == 0
    assert list(manifests.read(tmp_path / "none.parquet")) == []
    assert pq.read_schema(tmp_path / "none.parquet").equals(manifests.SCHEMA)


def test_a_file_without_the_unspoken_column_can_be_read(tmp_path: Path) -> None:
    """Files were written before `unspoken` was counted."""
    manifests.write(tmp_path / "new.parquet", [result(5)])
    pq.write_table(
        pq.read_table(tmp_path / "new.parquet").drop_columns(["unspoken"]), tmp_path / "old.parquet"
    )
    assert list(manifests.read(tmp_path / "old.parquet")) == [result(5)]


def test_an_interrupted_export_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "night.parquet"
    manifests.write(path, [result(1)])

    def interrupted():  # type: ignore[no-untyped-def]
        yield result(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        manifests.write(path, interrupted())
    assert list(manifests.read(path)) == [result(1)]
    assert list(tmp_path.iterdir()) == [path]


def test_a_path_that_cannot_be_written_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(LocalResource, match="nowhere"):
        manifests.write(tmp_path / "nowhere" / "night.parquet", [])


def test_a_file_that_is_not_parquet_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "no.parquet").write_bytes(b"PAR1 is what it begins with, no more")
    with pytest.raises(InvalidInput, match=r"no\.parquet"):
        list(manifests.read(tmp_path / "no.parquet"))
