"""Replay audit and voice lock, with a real Kafka and a real S3.

What was delivered is synthesised again and compared. A worker that sounds otherwise takes nothing.
"""

import json
import re
import signal
import socket
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.campaigns.waiting import wait
from seedcast.cli import verify
from seedcast.codec import encode_json, text_digest
from seedcast.gpu_consumers import engines
from seedcast.gpu_consumers.verify import voice_lock
from seedcast.gpu_consumers.verify.replay import (
    UtteranceFacts,
    Verdict,
    requests_of,
    results_of,
    synthesise,
)
from seedcast.kafka import GroupOffsets, TopicReader
from seedcast.kafka.partitioner import key
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import Receipt, SpeechRequest, SpeechResult, VoiceLock
from seedcast.schemas.topics import AUDIO, GPU_CONSUMERS, REQUESTS, REQUESTS_URGENT, RESULTS
from seedcast.settings import Settings
from seedcast.storage.list_ids import ids_reader
from seedcast.storage.s3 import S3Store
from seedcast.waveforms import waveform_sha256
from tests.builders.deployments import Spawn, rows, run
from tests.builders.feeding import feed
from tests.builders.requests import a_request
from tests.builders.topics import delete, producer, send
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

ROWS = 24
SUBMITTED = (
    "--id-column",
    "id",
    "--template",
    "Hello {name}, number {id}. 您好。",
    "--speed",
    "1.25",
)


def write_list(folder: Path, count: int = ROWS) -> Path:
    lines = [f"{n},Anna,{n % 4},{'urgent' if n % 8 == 0 else 'normal'}\n" for n in range(count)]
    file = folder / "list.csv"
    file.write_text("".join(["id,name,voice,priority\n", *lines]))
    return file


def end(*workers: subprocess.Popen[bytes]) -> None:
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    assert [worker.wait(30) for worker in workers] == [0] * len(workers)


def deliver(settings: Settings, seedcast: Spawn, folder: Path) -> None:
    kinds = ("feeder", "gpu-consumer", "postprocess")
    workers = [seedcast(["run", kind], settings) for kind in kinds]
    submit = ["submit", write_list(folder), "--campaign", "bills"]
    assert run(settings, *submit, *SUBMITTED).returncode == 0
    assert wait(settings, "bills", ids_reader(settings.s3)).succeeded == ROWS
    end(*workers)


def receipt_of(
    settings: Settings, request: SpeechRequest, like: Receipt, **changes: object
) -> Receipt:
    digest = text_digest(request, settings.postprocess.digest_key.get_secret_value().encode())
    return msgspec.structs.replace(
        like, voice_seed=request.voice_seed, text_digest=digest, **changes
    )


def forge(settings: Settings, request: SpeechRequest, receipt: Receipt) -> None:
    result = SpeechResult(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        status="succeeded",
        receipt=receipt,
    )
    producer(settings).deliver(
        settings.topic(RESULTS), key=request.request_id.encode(), value=encode_json(result)
    )


def test_every_delivered_request_matches_its_receipt_and_a_forged_receipt_is_named(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    deliver(settings, seedcast, tmp_path)
    honest = run(settings, "verify", "bills", "--all", "--json")
    assert honest.returncode == 0, honest.stderr
    (summary,) = rows(honest)
    assert (summary["checked"], summary["matches"], summary["missing"]) == (ROWS, ROWS, 0)
    assert rows(run(settings, "verify", "bills", "--json"))[0]["matches"] == 20

    receipts = [result.receipt for result in results_of(settings, "bills") if result.receipt]
    stray = a_request(request_id="stray-000001", campaign_id="bills", text="Zebra.")
    forge(settings, stray, receipt_of(settings, stray, receipts[0]))
    for topic in (REQUESTS, REQUESTS_URGENT):
        delete(settings, topic)  # months later
    later = run(settings, "verify", "bills", "--all", "--json")
    assert later.returncode == 0, later.stderr
    said, summary = rows(later)
    assert (said["request_id"], said["outcome"]) == ("stray-000001", "stray")
    assert (summary["matches"], summary["missing"], summary["strays"]) == (ROWS, 0, 1)

    submit_requests(
        settings,
        [{"text": "Zebra one.", "voice": 1}, {"text": "Zebra two.", "voice": 2}],
        SubmitOptions(campaign="forged"),
    )
    forged = read_campaigns(settings)["forged"]
    first, second = sorted(requests_of(settings, forged), key=lambda request: request.text)
    other_waveform = receipt_of(settings, first, receipts[0], waveform_sha256="0" * 64)
    other_engine = receipt_of(settings, second, receipts[0], engine_fingerprint="espeak-elsewhere")
    forge(settings, first, other_waveform)
    forge(settings, second, other_engine)
    for arguments in (["--json"], []):
        done = run(settings, "verify", "forged", *arguments)
        assert done.returncode == 1
        assert first.request_id in done.stdout + done.stderr
        assert "Zebra" not in done.stdout + done.stderr
    printed = rows(run(settings, "verify", "forged", "--json"))
    facts = {row.get("request_id"): row for row in printed}
    mismatch, total = facts[first.request_id], facts[None]
    assert (mismatch["outcome"], mismatch["differs"]) == ("mismatch", ["waveform_sha256"])
    assert facts[second.request_id]["outcome"] == "other_fingerprint"
    assert (total["checked"], total["mismatches"], total["other_fingerprint"]) == (1, 1, 1)


def test_a_campaign_without_a_list_is_verified_while_the_topics_keep_its_requests(
    settings: Settings,
) -> None:
    requests = [
        a_request(request_id=f"request-{n:05d}", campaign_id="events", voice_seed=n)
        for n in range(3)
    ]
    records = [(key(each.voice_seed), encode_json(each)) for each in requests]
    send(settings, REQUESTS, records)
    with closing(engines.load(settings)) as engine:
        for request, utterance in synthesise(engine, requests):
            assert utterance.waveform is not None
            receipt = Receipt(
                voice_seed=request.voice_seed,
                text_digest=text_digest(
                    request, settings.postprocess.digest_key.get_secret_value().encode()
                ),
                waveform_sha256=waveform_sha256(utterance.waveform),
                engine_fingerprint=engine.fingerprint,
                chain_fingerprint="chain",
                draw=utterance.draw,
            )
            forge(settings, request, receipt)
    done = run(settings, "verify", "events", "--json")
    assert (done.returncode, rows(done)[-1]["matches"]) == (0, 3), done.stderr
    delete(settings, REQUESTS)
    gone = run(settings, "verify", "events")
    assert (gone.returncode, "3 not found" in gone.stdout) == (1, True), gone.stderr
    assert "the campaign has no staged list" in gone.stderr


def verdicts(count: int) -> list[Verdict]:
    expected, got = (UtteranceFacts(digit * 64, 0, None, 1, "espeak-1") for digit in "01")
    return [Verdict(f"request-{n}", "mismatch", expected, got) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "last"),
    [
        (verify.SHOWN, "  engine_fingerprint expected espeak-1, got espeak-1"),
        (verify.SHOWN + 1_200, "… and 1,200 more; --json has all"),
    ],
)
def test_mismatches_that_are_not_printed_are_counted(
    capsys: pytest.CaptureFixture[str], count: int, last: str
) -> None:
    assert verify._report(verdicts(count), as_json=False)["mismatch"] == count
    printed = capsys.readouterr().err
    assert printed.count("mismatch  request-") == verify.SHOWN
    assert printed.splitlines()[-1] == last


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["no-such"], 2, "campaign no-such"),
        (["x", "--sample", "5"], 2, "1%"),
        (["x", "--sample", "0%"], 2, "1%"),
    ],
)
def test_nothing_to_check_is_not_a_success(
    settings: Settings, arguments: list[str], code: int, said: str
) -> None:
    done = run(settings, "verify", *arguments)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def lock_in_force(settings: Settings) -> VoiceLock | None:
    return voice_lock.read(S3Store(settings.s3), settings.group(GPU_CONSUMERS.name), "espeak")


def blessed(settings: Settings) -> VoiceLock:
    lock = lock_in_force(settings)
    assert lock is not None
    return lock


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def status(port: int, path: str) -> int | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()


def test_the_embedded_stack_blesses_itself_and_workers_are_ready_when_they_may_work(
    settings: Settings, seedcast: Spawn
) -> None:
    ports = {kind: free_port() for kind in ("gpu-consumer", "postprocess")}
    workers = [
        seedcast(["run", kind], settings, SEEDCAST_METRICS_PORT=str(port))
        for kind, port in ports.items()
    ]
    for port in ports.values():
        eventually(lambda at=port: status(at, "/ready") == 200, what="readiness")
        assert status(port, "/live") == status(port, "/metrics") == 200
    assert len(blessed(settings).utterances) >= 4
    end(*workers)


def change_lock(settings: Settings, **changes: object) -> None:
    """Replace the lock by one that this machine's engine does not satisfy."""
    voice_lock.write(S3Store(settings.s3), msgspec.structs.replace(blessed(settings), **changes))


def test_a_worker_that_sounds_otherwise_takes_no_partitions_until_it_is_blessed(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    production = {"SEEDCAST_HOME": str(tmp_path / "elsewhere")}
    bless = ["models", "bless", "--yes"]
    assert run(settings, *bless).returncode == 0
    submit_requests(settings, [{"text": "Hello.", "voice": 1}], SubmitOptions(campaign="bills"))
    feed(settings)
    first = next(iter(blessed(settings).utterances))
    change_lock(settings, utterances=blessed(settings).utterances | {first: "0" * 64})
    # Other sounds under its own fingerprint are refused on the embedded stack, too.
    refused = run(settings, "run", "gpu-consumer")
    assert refused.returncode == 3, refused.stderr
    assert first in refused.stderr
    assert "models bless" in refused.stderr
    older_facts = blessed(settings).facts | {"package": "0.0.1"}
    change_lock(settings, engine_fingerprint="espeak-before", facts=older_facts)
    refused = run(settings, "run", "gpu-consumer", **production)
    assert (refused.returncode, "espeak-before" in refused.stderr) == (3, True), refused.stderr
    assert f"package: expected 0.0.1, got {version('espeakng-loader')}" in refused.stderr
    assert GroupOffsets(settings).lag(settings.group(GPU_CONSUMERS.name)) == []
    with TopicReader(settings, settings.topic(AUDIO)) as reader:
        assert list(reader.to_end()) == []

    unanswered = run(settings, *bless[:-1])  # without a terminal to confirm at
    assert (unanswered.returncode, blessed(settings).engine_fingerprint) == (1, "espeak-before")
    assert re.search(r"^package +0\.0\.1 ", unanswered.stdout, re.MULTILINE), unanswered.stdout
    assert "revision" not in unanswered.stdout
    assert run(settings, *bless).returncode == 0
    worker = seedcast(["run", "gpu-consumer"], settings, **production)
    eventually(
        lambda: GroupOffsets(settings).lag(settings.group(GPU_CONSUMERS.name)), what="a commit"
    )
    end(worker)


def test_production_without_a_voice_lock_works_with_a_warning(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    submit_requests(settings, [{"text": "Hello.", "voice": 1}], SubmitOptions(campaign="bills"))
    feed(settings)
    worker = seedcast(["run", "gpu-consumer"], settings, SEEDCAST_HOME=str(tmp_path / "elsewhere"))
    eventually(
        lambda: GroupOffsets(settings).lag(settings.group(GPU_CONSUMERS.name)), what="a commit"
    )
    end(worker)
    assert lock_in_force(settings) is None
    lines = [
        json.loads(line)
        for log in tmp_path.glob("process-*.log")
        for line in log.read_text().splitlines()
    ]
    (warning,) = [line for line in lines if line["event"] == "no_voice_lock"]
    assert (warning["level"], "models bless" in warning["remedy"]) == ("warning", True)
