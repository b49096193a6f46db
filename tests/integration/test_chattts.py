"""ChatTTS behind a real Kafka: kill -9 in the middle, another worker, and every request still has its one waveform."""

from pathlib import Path

import pytest

from gpu_consumers import engines
from gpu_consumers.engines.chattts.dimensions import TINY
from gpu_consumers.engines.chattts.fabricate import fabricate
from gpu_consumers.replay import speak
from schemas.messages import RawAudio
from seedcast.codec import decode_synthesis, encode_json, waveform_sha256
from seedcast.settings import GpuSettings, Settings
from tests.conftest import Spawn, eventually
from tests.integration.test_gpu_consumer import RUN, audio, finish, lag, produce, request

pytestmark = pytest.mark.integration


@pytest.fixture
def chattts(settings: Settings, tmp_path: Path) -> Settings:
    fabricate(tmp_path / "tiny", TINY, seed=3)
    gpu = GpuSettings(engine="chattts", device="cpu", precision="float32", slots=32, context=512, threads=1, models=str(tmp_path / "tiny"), commit_interval=0.2)
    return settings.model_copy(update={"gpu": gpu})


def test_kill_9_in_the_middle_gives_the_waveforms_of_an_undisturbed_engine(chattts: Settings, seedcast: Spawn) -> None:
    requests = [request(n, speed=2.0) for n in range(120)]
    produce(chattts, [encode_json(r) for r in requests])
    first = seedcast(RUN, chattts)
    eventually(lambda: len(audio(chattts)) >= 20, timeout=400, what="20 outcomes")
    first.kill()
    first.wait()
    second = seedcast(RUN, chattts)
    eventually(lambda: len(audio(chattts)) == 120, timeout=400, what="120 outcomes")
    assert finish(second) == 0
    assert lag(chattts) == 0
    records = audio(chattts)
    assert all(len({record.value for record in repeats}) == 1 for repeats in records.values())
    outcomes = {key: decode_synthesis(repeats[0].value) for key, repeats in records.items()}
    spoken = {key: outcome.waveform_sha256 for key, outcome in outcomes.items() if isinstance(outcome, RawAudio)}
    assert len(spoken) > 100
    engine = engines.load(chattts)
    assert {outcome.engine_fingerprint for outcome in outcomes.values() if isinstance(outcome, RawAudio)} == {engine.fingerprint}
    again = {r.request_id: waveform_sha256(u.waveform) for r, u in speak(engine, requests[::-1]) if u.waveform is not None}
    assert again == spoken
