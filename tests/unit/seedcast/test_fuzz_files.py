"""Whatever an operator's file or a stored lock contains, it is read or refused with its error."""

import json
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seedcast.catalog import profiles, voices
from seedcast.codec import encode_json
from seedcast.errors import InvalidSettings, VoiceLockBroken
from seedcast.gpu_consumers.verify import voice_lock
from seedcast.schemas.messages import VoiceLock
from seedcast.settings import PostprocessSettings, Settings
from seedcast.storage.memory_store import MemoryStore
from tests.builders.fuzz import anything, damaged

EXAMPLES = Path(__file__).parents[3] / "examples"
DEEP = "[" * 20_000  # parsers recurse on it
LONG = "1" + "0" * 5_000  # has more digits than Python converts to a number

numbers = (
    st.integers().map(str)
    | st.integers(300, 400).map(lambda digits: "1" + "0" * digits)
    | st.floats().map(str)
)
scalars = st.one_of(
    numbers,
    st.text(max_size=12).map(json.dumps),
    st.sampled_from(["true", "off", "2026-01-01", "24:61:00", DEEP, LONG]),
)
toml_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | inner.map(lambda value: f"{{ break = {value} }}")
    ),
    max_leaves=5,
)


def tables(names: tuple[str, ...], required: str) -> st.SearchStrategy[bytes]:
    """TOML with the right names and any values, mostly after the fields that a row must have."""
    fields = st.dictionaries(st.sampled_from(names), toml_values, max_size=4)
    rows = fields.map(lambda row: "".join(f"{name} = {value}\n" for name, value in row.items()))
    return (
        st.tuples(
            st.sampled_from(["[kiosk]\n", "['']\n", '["小明"]\n', ""]),
            st.sampled_from([required, ""]),
            rows,
        )
        .map("".join)
        .map(str.encode)
    )


def load_profiles(file: Path) -> profiles.Profiles:
    return profiles.load(PostprocessSettings(profiles=str(file)))


def load_voices(file: Path) -> voices.Voices:
    return voices.load(Settings(voices=str(file)))


VOICES = tables(voices.Voice.__struct_fields__, "seed = 7\n")
PROFILES = tables(profiles.Profile.__struct_fields__, "format = 'flac'\nsample_rate = 16000\n")
FILES: list[
    tuple[Callable[[Path], profiles.Profiles | voices.Voices], st.SearchStrategy[bytes]]
] = [
    (
        load_profiles,
        PROFILES | damaged([b"[kiosk]\nformat = 'mp3'\nsample_rate = 24000\nband = [300, 3400]\n"]),
    ),
    (load_voices, VOICES | damaged([(EXAMPLES / "voices.toml").read_bytes()])),
]


@pytest.mark.parametrize(("load", "contents"), FILES, ids=["profiles", "voices"])
def test_any_file_of_an_operator_gives_a_table_or_an_error(
    load: Callable[[Path], profiles.Profiles | voices.Voices],
    contents: st.SearchStrategy[bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "mine.toml"

    @given(contents | st.binary(max_size=100))
    @example(f"[kiosk]\nx = {DEEP}".encode())
    @example(f"[kiosk]\nx = {LONG}".encode())
    @example(f"[kiosk]\nformat = 'flac'\nsample_rate = 16000\npadding = {LONG[:400]}\n".encode())
    @example(f"[kiosk]\nseed = 7\nspeed = {LONG[:400]}\n".encode())
    def gives_a_table_or_an_error(content: bytes) -> None:
        file.write_bytes(content)
        with suppress(InvalidSettings):
            for name, row in load(file).items():
                assert row.name == name
                assert all(
                    math.isfinite(value)
                    for field in row.__struct_fields__
                    if isinstance(value := getattr(row, field), float)
                )

    gives_a_table_or_an_error()


STORE_KEY = voice_lock.object_key("night", "espeak")
LOCK = VoiceLock(
    group="night",
    engine="espeak",
    engine_fingerprint="espeak-1",
    utterances={"golden-1": "0" * 64},
    blessed_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@given(anything([encode_json(LOCK)], VoiceLock))
@example(DEEP.encode())
@example(
    b'{"group": "night", "engine": "espeak", "engine_fingerprint": "\\ud800",'
    b' "utterances": {}, "blessed_at": "2026-01-01T00:00:00Z"}'
)
def test_any_stored_lock_is_compared_or_broken(content: bytes) -> None:
    store = MemoryStore()
    store.put(STORE_KEY, content, "application/json")
    with suppress(VoiceLockBroken):
        stored = voice_lock.read(store, "night", "espeak")
        assert stored is not None
        voice_lock.compare(stored, LOCK)
        assert voice_lock.is_unchanged(stored, LOCK)
