"""ChatTTS behind a real Kafka: after kill -9 another worker speaks the same waveforms."""

import hashlib
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from seedcast.codec import decode_synthesis
from seedcast.gpu_consumers import engines
from seedcast.gpu_consumers.engines.chattts.model.dimensions import TINY
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate
from seedcast.gpu_consumers.verify.replay import requests_of, results_of, synthesise
from seedcast.kafka import client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.schemas.messages import RawAudio, SpeechRequest
from seedcast.schemas.topics import AUDIO, GPU_CONSUMERS, REQUESTS
from seedcast.settings import GpuSettings, Settings
from seedcast.waveforms import waveform_sha256
from tests.builders.deployments import Spawn, rows, run, with_short_session
from tests.builders.feeding import feed, wait
from tests.builders.requests import as_records, numbered
from tests.builders.topics import lag, read, send
from tests.builders.waiting import eventually, terminate

pytestmark = pytest.mark.integration

RUN = ["run", "gpu-consumer"]


@pytest.fixture
def chattts(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with tiny weights, and with a session whose end a test can wait for."""
    fabricate(tmp_path / "tiny", TINY, seed=3)
    gpu = GpuSettings(
        engine="chattts",
        device="cpu",
        precision="float32",
        slots=32,
        context=512,
        threads=1,
        models=str(tmp_path / "tiny"),
        commit_interval=0.2,
    )
    return with_short_session(settings).model_copy(update={"gpu": gpu})


def in_precision(settings: Settings, precision: str) -> Settings:
    gpu = settings.gpu.model_copy(update={"precision": precision})
    return settings.model_copy(update={"gpu": gpu})


def assert_undisturbed(settings: Settings, requests: Sequence[SpeechRequest]) -> None:
    """Assert that each request has one outcome, and the waveform of an undisturbed engine.

    An outcome may have been written several times.
    """
    records = read(settings, AUDIO)
    assert (records.keys(), lag(settings, GPU_CONSUMERS.name)) == (
        {r.request_id for r in requests},
        0,
    )
    assert all(len({record.value for record in repeats}) == 1 for repeats in records.values())
    outcomes = {key: decode_synthesis(repeats[0].value) for key, repeats in records.items()}
    spoken = {key: outcome for key, outcome in outcomes.items() if isinstance(outcome, RawAudio)}
    assert len(spoken) > 0.8 * len(requests)
    engine = engines.load(settings)
    assert {outcome.engine_fingerprint for outcome in spoken.values()} == {engine.fingerprint}
    again = {
        r.request_id: waveform_sha256(u.waveform)
        for r, u in synthesise(engine, requests[::-1])
        if u.waveform is not None
    }
    assert again == {key: outcome.waveform_sha256 for key, outcome in spoken.items()}


@pytest.mark.slow  # the next test kills a worker, too
@pytest.mark.parametrize(("precision", "count"), [("float32", 120), ("bfloat16", 60)])
def test_waveforms_after_kill_9_are_those_of_an_undisturbed_engine(
    chattts: Settings, seedcast: Spawn, precision: str, count: int
) -> None:
    settings = in_precision(chattts, precision)
    requests = [numbered(n, speed=2.0) for n in range(count)]
    send(settings, REQUESTS, as_records(requests), in_turn=True)
    first = seedcast(RUN, settings)
    eventually(lambda: len(read(settings, AUDIO)) >= 20, timeout=400, what="20 outcomes")
    first.kill()
    first.wait()
    second = seedcast(RUN, settings)
    eventually(lambda: len(read(settings, AUDIO)) == count, timeout=400, what=f"{count} outcomes")
    assert terminate(second) == 0
    assert_undisturbed(settings, requests)


@pytest.mark.slow
def test_the_survivor_of_two_workers_speaks_what_the_killed_one_had_in_its_slots(
    chattts: Settings, seedcast: Spawn
) -> None:
    client = AdminClient(client_config.client(chattts.kafka))
    group, topic = chattts.group(GPU_CONSUMERS.name), chattts.topic(REQUESTS)

    def shares() -> list[int]:
        members = client.describe_consumer_groups([group])[group].result(30).members
        counts = (
            sum(partition.topic == topic for partition in member.assignment.topic_partitions)
            for member in members
        )
        return [count for count in counts if count]  # a worker has a member for each of its topics

    killed = seedcast(RUN, chattts, SEEDCAST_FAILPOINT="gpu.synthesised:10:kill")
    survivor = seedcast(RUN, chattts)
    eventually(lambda: shares() == [2, 2], timeout=400, what="a share for each")
    requests = [numbered(n, speed=2.0) for n in range(40)]
    send(chattts, REQUESTS, as_records(requests), in_turn=True)
    assert killed.wait(timeout=400) == -signal.SIGKILL
    eventually(lambda: len(read(chattts, AUDIO)) == len(requests), timeout=400, what="all outcomes")
    assert terminate(survivor) == 0
    assert_undisturbed(chattts, requests)


@pytest.mark.slow
def test_the_command_line_speaks_and_verifies_a_campaign_and_says_the_same_audio(
    chattts: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text(
        "text,voice\n"
        + "".join(f"Thank you for order {n}.,{n}\n您的订单{n}已经发货。,{n}\n" for n in range(6))
    )
    workers = seedcast(RUN, chattts), seedcast(["run", "postprocess"], chattts)
    options = ("--campaign", "bills", "--speed", "2", "--profile", "archive")
    assert run(chattts, "submit", texts, *options).returncode == 0
    feed(chattts)
    wait(chattts, "bills")
    assert [terminate(worker) for worker in workers] == [0, 0]
    spoken = {
        result.request_id: result
        for result in results_of(chattts, "bills")
        if result.status == "succeeded"
    }

    proof = run(chattts, "verify", "bills", "--all", "--json")
    assert proof.returncode == 0, proof.stderr
    (summary,) = rows(proof)
    assert summary["checked"] == summary["matches"] == len(spoken) >= 8

    one = next(request for request in requests_of(chattts, "bills") if request.request_id in spoken)
    out = tmp_path / "one.flac"
    said = run(chattts, "say", one.text, "--voice", one.voice_seed, "--speed", "2", "-o", out)
    assert said.returncode == 0, said.stderr
    sha256 = hashlib.sha256(out.read_bytes()).hexdigest()
    assert sha256 == spoken[one.request_id].renditions[0].sha256
