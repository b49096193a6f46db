"""Exported audio: the names of its files, and that an export can be repeated."""

from pathlib import Path

from seedcast.schemas.messages import Rendition, SpeechResult
from seedcast.storage.export import export_audio, file_name
from seedcast.storage.memory_store import MemoryStore

SHA256 = "0" * 64


def result(uri: str, **metadata: str) -> SpeechResult:
    rendition = Rendition(
        profile="phone",
        uri=uri,
        format="ogg-opus",
        sample_rate=16000,
        duration=1.0,
        bytes=5,
        sha256=SHA256,
    )
    return SpeechResult(
        request_id="request/1",
        campaign_id="night",
        status="succeeded",
        renditions=(rendition,),
        metadata=metadata,
    )


def name(found: SpeechResult) -> str:
    return file_name(found, found.renditions[0])


def test_a_file_is_named_after_row_and_profile() -> None:
    uri = f"s3://audio/night/00/{SHA256}.ogg"
    assert name(result(uri, id="n-1_2")) == "n-1_2.phone.ogg"
    assert name(result(uri, id="../a b.c")) == "___a_b_c.phone.ogg"
    assert name(result(uri)) == "request_1.phone.ogg"


def test_each_rendition_is_written_once_and_an_existing_file_is_kept(tmp_path: Path) -> None:
    store, folder = MemoryStore(), tmp_path / "audio" / "night"
    first = result(store.put("night/00/a.ogg", b"first", "audio/ogg"), id="1")
    second = result(store.put("night/00/b.ogg", b"other", "audio/ogg"), id="2")
    export_audio(store, [first], folder)
    (folder / "1.phone.ogg").write_bytes(b"mine")
    export_audio(store, [first, second], folder)
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert contents == {"1.phone.ogg": b"mine", "2.phone.ogg": b"other"}
