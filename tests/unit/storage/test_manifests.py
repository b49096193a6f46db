from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.messages import Receipt, Rendition, RequestError, SpeechResult
from seedcast.errors import InvalidInput, LocalResource
from storage import manifests


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
    bare = Rendition(
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
            renditions=(rendition, bare),
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


def test_manifests_round_trip_across_batches(tmp_path: Path) -> None:
    results = [result(number) for number in range(2 * manifests.BATCH + 1)]
    assert manifests.write(tmp_path / "night.parquet", iter(results)) == len(results)
    assert list(manifests.read(tmp_path / "night.parquet")) == results
    assert (
        pq.ParquetFile(tmp_path / "night.parquet").num_row_groups == 3
    )  # written as they came, not held


def test_no_results_make_an_empty_table_with_the_schema(tmp_path: Path) -> None:
    assert manifests.write(tmp_path / "none.parquet", []) == 0
    assert list(manifests.read(tmp_path / "none.parquet")) == []
    assert pq.read_schema(tmp_path / "none.parquet").equals(manifests.SCHEMA)


def test_a_file_from_before_unspoken_was_counted_is_still_read(tmp_path: Path) -> None:
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


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalResource, match="nowhere"):
        manifests.write(tmp_path / "nowhere" / "night.parquet", [])


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.parquet").write_bytes(b"PAR1 is what it begins with, no more")
    with pytest.raises(InvalidInput, match=r"no\.parquet"):
        list(manifests.read(tmp_path / "no.parquet"))
