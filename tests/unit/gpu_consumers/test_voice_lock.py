"""The voice lock: an engine that differs from the blessed one takes no partitions.

The error names the difference and the remedy.
"""

import hashlib
import json
import platform
from collections.abc import Mapping

import msgspec
import pytest

from seedcast.codec import decode_request, encode_json
from seedcast.errors import Fatal, InvalidInput, StoreUnavailable, Unreachable, VoiceLockBroken
from seedcast.gpu_consumers.engines.espeak.engine import EspeakEngine
from seedcast.gpu_consumers.verify import voice_lock
from seedcast.gpu_consumers.verify.golden import GOLDEN
from seedcast.schemas.messages import SpeechRequest, VoiceLock
from seedcast.settings import GpuSettings, KafkaSettings, S3Settings, Settings
from seedcast.storage.memory_store import MemoryStore
from tests.builders.toy import ToyEngine

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
    """A toy engine with facts."""

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


def store_that_blessed(engine: Toy) -> MemoryStore:
    store = MemoryStore()
    voice_lock.write(store, voice_lock.observe(engine, GROUP, "espeak"))
    return store


def stored_lock(store: MemoryStore) -> VoiceLock | None:
    return voice_lock.read(store, GROUP, "espeak")


def enforce(
    store: MemoryStore, engine: Toy, *, embedded: bool = False, settings: Settings = SETTINGS
) -> None:
    voice_lock.enforce(settings, engine, store, embedded=embedded)


def test_the_golden_utterances_are_valid_and_differ_in_voice_and_speed() -> None:
    assert [decode_request(encode_json(request)) for request in GOLDEN] == list(GOLDEN)
    assert len({request.request_id for request in GOLDEN}) == len(GOLDEN) >= 4
    assert len({request.voice_seed for request in GOLDEN}) == 2
    assert any(request.speed != 1 for request in GOLDEN)


def test_the_blessed_engine_passes_with_all_golden_utterances_in_its_slots() -> None:
    engine = Toy(slots=8)
    enforce(store_that_blessed(Toy(slots=8)), engine)
    assert engine.company[0] == len(GOLDEN)


@pytest.mark.parametrize("embedded", [False, True])
def test_another_waveform_under_the_same_fingerprint_is_refused_everywhere(
    embedded: bool,
) -> None:
    store = store_that_blessed(Toy())
    before = stored_lock(store)
    with pytest.raises(VoiceLockBroken) as raised:
        enforce(store, Toy(dialect="x"), embedded=embedded)
    error = raised.value
    assert before is not None
    assert stored_lock(store) == before
    assert GOLDEN[0].request_id in error.what
    assert error.expected == before.utterances[GOLDEN[0].request_id]
    assert "this machine computes otherwise" in error.got, "nothing else can have changed"
    assert "seedcast models bless" in error.remedy
    assert isinstance(error, Fatal)
    assert error.exit_code == 3


def test_each_golden_utterance_is_compared() -> None:
    observed = voice_lock.observe(Toy(), GROUP, "espeak")
    for request in GOLDEN:
        other = msgspec.structs.replace(
            observed, utterances=observed.utterances | {request.request_id: "0" * 64}
        )
        with pytest.raises(VoiceLockBroken, match=request.request_id):
            voice_lock.compare(observed, other)


def test_another_fingerprint_is_refused_in_production() -> None:
    with pytest.raises(
        VoiceLockBroken, match=r"fingerprint of the engine; expected toy-1; got toy-2"
    ):
        enforce(store_that_blessed(Toy()), Toy(fingerprint="toy-2"))


def test_a_refusal_names_exactly_the_facts_that_differ() -> None:
    now = FACTS | {"slots": 4, "cuda": "12.8", "packages": {"torch": "2.12.0", "numpy": "2.4"}}
    with pytest.raises(VoiceLockBroken) as raised:
        enforce(store_that_blessed(Toy(facts=FACTS)), Toy(fingerprint="toy-2", facts=now))
    assert raised.value.got == (
        "toy-2: cuda: expected nothing, got 12.8; "
        "packages.torch: expected 2.11.0, got 2.12.0; "
        "slots: expected 8, got 4"
    )


def test_a_refusal_names_the_usual_causes_if_no_fact_differs() -> None:
    with pytest.raises(VoiceLockBroken, match=r"got toy-2: weights, slots, .* may have changed"):
        enforce(store_that_blessed(Toy()), Toy(fingerprint="toy-2"))


def test_a_lock_without_facts_is_enforced_and_blessing_it_again_changes_it() -> None:
    store, observed = MemoryStore(), voice_lock.observe(Toy(), GROUP, "espeak")
    fields = msgspec.to_builtins(observed)
    del fields["facts"]
    key = voice_lock.object_key(GROUP, "espeak")
    store.put(key, msgspec.json.encode(fields), "application/json")
    enforce(store, Toy())
    with pytest.raises(VoiceLockBroken, match=r"got toy-2: weights, slots, .* may have changed"):
        enforce(store, Toy(fingerprint="toy-2", facts=FACTS | {"slots": 4}))
    stored = stored_lock(store)
    assert stored is not None
    assert not voice_lock.is_unchanged(stored, observed)
    assert voice_lock.is_unchanged(observed, observed)


def test_the_fingerprint_of_an_engine_is_a_hash_of_its_facts() -> None:
    engine = EspeakEngine(slots=1)
    digest = hashlib.sha256(json.dumps(engine.facts, sort_keys=True).encode()).hexdigest()
    assert engine.fingerprint == f"espeak-{digest[:32]}"
    observed = voice_lock.observe(engine, GROUP, "espeak")
    assert observed.facts["engine"] == "espeak"
    assert observed.facts["libc"] == " ".join(platform.libc_ver())


def test_the_embedded_stack_blesses_its_engine_first_and_after_an_upgrade() -> None:
    store = MemoryStore()
    for fingerprint in ("toy-1", "toy-2"):
        enforce(store, Toy(fingerprint=fingerprint, dialect=fingerprint), embedded=True)
        stored = stored_lock(store)
        assert stored is not None
        assert stored.engine_fingerprint == fingerprint
        enforce(store, Toy(fingerprint=fingerprint, dialect=fingerprint))


def test_production_without_a_lock_continues_and_writes_none() -> None:
    store, engine = MemoryStore(), Toy()
    enforce(store, engine)
    assert list(store.list()) == []
    assert engine.admitted == []


def test_each_engine_of_a_group_has_its_own_lock() -> None:
    store = store_that_blessed(Toy())
    voice_lock.write(store, voice_lock.observe(Toy(fingerprint="toy-9"), GROUP, "chattts"))
    enforce(store, Toy())
    assert [info.key for info in store.list()] == [
        f"_locks/{GROUP}.chattts.json",
        f"_locks/{GROUP}.espeak.json",
    ]
    with pytest.raises(InvalidInput, match="consumer group"):
        voice_lock.object_key("../x", "espeak")


def test_an_utterance_without_a_waveform_is_locked_by_its_error_code() -> None:
    class Mute(Toy):
        def admit(self, ticket: int, request: SpeechRequest) -> None:
            super().admit(ticket, msgspec.structs.replace(request, text="unstable"))

    observed = voice_lock.observe(Mute(slots=8), GROUP, "espeak")
    assert set(observed.utterances.values()) == {"unstable"}
    store = MemoryStore()
    voice_lock.write(store, observed)
    assert stored_lock(store) == observed


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\xff",
        b'{"group":"g","engine":"e","engine_fingerprint":"f",'
        b'"utterances":{"a":"no hash"},"blessed_at":"2026-01-01T00:00:00Z"}',
    ],
)
def test_an_unreadable_lock_is_refused(data: bytes) -> None:
    store = MemoryStore()
    store.put(voice_lock.object_key(GROUP, "espeak"), data, "application/json")
    with pytest.raises(VoiceLockBroken, match="models bless"):
        enforce(store, Toy())


def test_an_unavailable_store_is_waited_for_until_the_timeout() -> None:
    unavailable = StoreUnavailable("reading")
    store = store_that_blessed(Toy())
    store.fail(unavailable)
    kafka = KafkaSettings(prefix="night", start_timeout=30)
    enforce(store, Toy(), settings=SETTINGS.model_copy(update={"kafka": kafka}))
    store.fail(*[unavailable] * 1000)
    with pytest.raises(Unreachable, match=r"http://s3\.example within 0\.05 s"):
        enforce(store, Toy())


def test_the_voice_lock_can_be_switched_off() -> None:
    settings = SETTINGS.model_copy(update={"gpu": GpuSettings(voice_lock="off")})
    store = store_that_blessed(Toy())
    before = stored_lock(store)
    enforce(store, Toy(fingerprint="toy-2"), settings=settings)
    assert stored_lock(store) == before, "what is switched off blesses nothing"
