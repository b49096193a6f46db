"""The voice lock: an engine that is not the blessed one takes no partitions, and says which difference and what to do."""

import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from gpu_consumers.engines.espeak import EspeakEngine
from gpu_consumers.verify import voice_lock
from gpu_consumers.verify.golden import GOLDEN
from schemas.messages import SpeechRequest, VoiceLock
from seedcast.codec import decode_request, encode_json
from seedcast.embedded import is_embedded
from seedcast.embedded.stack_state import State, write
from seedcast.errors import Fatal, InvalidInput, StoreUnavailable, Unreachable, VoiceLockBroken
from seedcast.settings import GpuSettings, KafkaSettings, S3Settings, Settings
from storage.memory_store import MemoryStore
from tests.unit.gpu_consumers.toy import ToyEngine

SETTINGS = Settings(
    kafka=KafkaSettings(prefix="night", start_timeout=0.05),
    s3=S3Settings(endpoint="http://s3.example"),
)
GROUP = "night.gpu-consumers"
FACTS = {
    "engine": "toy",
    "slots": 8,
    "libc": ("glibc", "2.36"),
    "cuda": None,
    "packages": {"torch": "2.11.0", "numpy": "2.4"},
}


class Toy(ToyEngine):
    """One that says what its fingerprint is a hash of."""

    def __init__(
        self,
        slots: int = 4,
        fingerprint: str = "toy-1",
        *,
        dialect: str = "",
        facts: Mapping[str, object] = FACTS,
    ) -> None:
        super().__init__(slots, fingerprint, dialect=dialect)
        self.facts = facts


def blessed(engine: Toy) -> MemoryStore:
    store = MemoryStore()
    voice_lock.write(store, voice_lock.observe(engine, GROUP, "espeak"))
    return store


def kept(store: MemoryStore) -> VoiceLock | None:
    return voice_lock.read(store, GROUP, "espeak")


def enforce(
    store: MemoryStore, engine: Toy, *, embedded: bool = False, settings: Settings = SETTINGS
) -> None:
    voice_lock.enforce(settings, engine, store, embedded=embedded)


def test_the_golden_utterances_are_sound_requests_of_every_kind() -> None:
    assert [decode_request(encode_json(request)) for request in GOLDEN] == list(GOLDEN)
    assert len({request.request_id for request in GOLDEN}) == len(GOLDEN) >= 4
    assert len({request.voice_seed for request in GOLDEN}) == 2
    assert any(request.speed != 1 for request in GOLDEN)


def test_the_blessed_engine_passes_and_golden_utterances_share_its_slots() -> None:
    engine = Toy(slots=8)
    enforce(blessed(Toy(slots=8)), engine)
    assert engine.company[0] == len(GOLDEN)


@pytest.mark.parametrize("embedded", [False, True])
def test_another_sound_under_the_same_fingerprint_is_refused_by_name_everywhere(
    embedded: bool,
) -> None:
    store = blessed(Toy())
    before = kept(store)
    with pytest.raises(VoiceLockBroken) as raised:
        enforce(store, Toy(dialect="x"), embedded=embedded)
    error = raised.value
    assert before is not None
    assert kept(store) == before
    assert GOLDEN[0].request_id in error.what
    assert error.expected == before.utterances[GOLDEN[0].request_id]
    assert "this machine computes otherwise" in error.got, (
        "the fingerprint says that nothing else has changed"
    )
    assert "seedcast models bless" in error.remedy
    assert isinstance(error, Fatal)
    assert error.exit_code == 3


def test_each_golden_utterance_is_compared() -> None:
    heard = voice_lock.observe(Toy(), GROUP, "espeak")
    for request in GOLDEN:
        other = msgspec.structs.replace(
            heard, utterances=heard.utterances | {request.request_id: "0" * 64}
        )
        with pytest.raises(VoiceLockBroken, match=request.request_id):
            voice_lock.compare(heard, other)


def test_another_fingerprint_is_refused_in_production() -> None:
    with pytest.raises(
        VoiceLockBroken, match=r"fingerprint of the engine; expected toy-1; got toy-2"
    ):
        enforce(blessed(Toy()), Toy(fingerprint="toy-2"))


def test_a_refusal_names_each_fact_that_differs_and_no_other() -> None:
    now = FACTS | {"slots": 4, "cuda": "12.8", "packages": {"torch": "2.12.0", "numpy": "2.4"}}
    with pytest.raises(VoiceLockBroken) as raised:
        enforce(blessed(Toy(facts=FACTS)), Toy(fingerprint="toy-2", facts=now))
    assert (
        raised.value.got
        == "toy-2: cuda: expected nothing, got 12.8; packages.torch: expected 2.11.0, got 2.12.0; slots: expected 8, got 4"
    )


def test_facts_that_do_not_tell_the_fingerprints_apart_leave_the_usual_causes() -> None:
    with pytest.raises(VoiceLockBroken, match=r"got toy-2: weights, slots, .* may have changed"):
        enforce(blessed(Toy()), Toy(fingerprint="toy-2"))


def test_a_lock_of_the_time_before_facts_is_kept_and_may_be_blessed_again() -> None:
    store, heard = MemoryStore(), voice_lock.observe(Toy(), GROUP, "espeak")
    earlier = {name: value for name, value in msgspec.to_builtins(heard).items() if name != "facts"}
    store.put(voice_lock.key(GROUP, "espeak"), msgspec.json.encode(earlier), "application/json")
    enforce(store, Toy())
    with pytest.raises(VoiceLockBroken, match=r"got toy-2: weights, slots, .* may have changed"):
        enforce(store, Toy(fingerprint="toy-2", facts=FACTS | {"slots": 4}))
    found = kept(store)
    assert found is not None
    assert not voice_lock.same(found, heard)
    assert voice_lock.same(heard, heard)


def test_what_an_engine_knows_of_itself_is_what_its_fingerprint_is_a_hash_of() -> None:
    engine = EspeakEngine(slots=1)
    assert (
        engine.fingerprint
        == "espeak-"
        + hashlib.sha256(json.dumps(engine.facts, sort_keys=True).encode()).hexdigest()[:32]
    )
    heard = voice_lock.observe(engine, GROUP, "espeak")
    assert heard.facts["engine"] == "espeak"
    assert heard.facts["libc"] == " ".join(platform.libc_ver())


def test_the_embedded_stack_blesses_itself_first_and_after_an_upgrade() -> None:
    store = MemoryStore()
    for fingerprint in ("toy-1", "toy-2"):
        enforce(store, Toy(fingerprint=fingerprint, dialect=fingerprint), embedded=True)
        found = kept(store)
        assert found is not None
        assert found.engine_fingerprint == fingerprint
        enforce(store, Toy(fingerprint=fingerprint, dialect=fingerprint))


def test_production_without_a_lock_goes_on_and_writes_none() -> None:
    store, engine = MemoryStore(), Toy()
    enforce(store, engine)
    assert list(store.list()) == []
    assert engine.admitted == []


def test_engines_and_groups_have_locks_of_their_own() -> None:
    store = blessed(Toy())
    voice_lock.write(store, voice_lock.observe(Toy(fingerprint="toy-9"), GROUP, "chattts"))
    enforce(store, Toy())
    assert [info.key for info in store.list()] == [
        f"_locks/{GROUP}.chattts.json",
        f"_locks/{GROUP}.espeak.json",
    ]
    with pytest.raises(InvalidInput, match="consumer group"):
        voice_lock.key("../x", "espeak")


def test_what_the_engine_cannot_speak_is_locked_by_its_reason() -> None:
    class Mute(Toy):
        def admit(self, ticket: int, request: SpeechRequest) -> None:
            super().admit(ticket, msgspec.structs.replace(request, text="unstable"))

    heard = voice_lock.observe(Mute(slots=8), GROUP, "espeak")
    assert set(heard.utterances.values()) == {"unstable"}
    store = MemoryStore()
    voice_lock.write(store, heard)
    assert kept(store) == heard


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\xff",
        b'{"group":"g","engine":"e","engine_fingerprint":"f","utterances":{"a":"no hash"},"blessed_at":"2026-01-01T00:00:00Z"}',
    ],
)
def test_a_lock_that_cannot_be_read_is_broken(data: bytes) -> None:
    store = MemoryStore()
    store.put(voice_lock.key(GROUP, "espeak"), data, "application/json")
    with pytest.raises(VoiceLockBroken, match="models bless"):
        enforce(store, Toy())


def test_a_store_that_is_away_for_a_moment_is_waited_for_and_then_no_longer() -> None:
    away = StoreUnavailable("reading")
    store = blessed(Toy())
    store.fail(away)
    enforce(
        store,
        Toy(),
        settings=SETTINGS.model_copy(
            update={"kafka": KafkaSettings(prefix="night", start_timeout=30)}
        ),
    )
    store.fail(*[away] * 1000)
    with pytest.raises(Unreachable, match=r"http://s3\.example within 0\.05 s"):
        enforce(store, Toy())


def test_it_can_be_switched_off() -> None:
    enforce(
        blessed(Toy()),
        Toy(fingerprint="toy-2"),
        settings=SETTINGS.model_copy(update={"gpu": GpuSettings(voice_lock="off")}),
    )


def test_the_stack_is_embedded_where_the_store_is_that_of_its_home(tmp_path: Path) -> None:
    here = Settings(home=tmp_path, s3=S3Settings(endpoint="http://127.0.0.1:4711"))
    assert not is_embedded(here)
    write(tmp_path, State(s3_port=4711))
    assert is_embedded(here)
    assert not is_embedded(
        here.model_copy(update={"s3": S3Settings(endpoint="https://s3.example")})
    )
