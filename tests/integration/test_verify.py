"""The proof and the lock on a real Kafka and a real S3: what was delivered is spoken again and compared; a worker that sounds otherwise takes nothing."""

import json
import re
import signal
import socket
import subprocess
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from gpu_consumers.assignments import GROUP
from gpu_consumers.verify import voice_lock
from gpu_consumers.verify.replay import Spoken, Verdict, requests_of, results_of
from producers import SubmitOptions, submit_requests
from schemas.messages import Receipt, SpeechRequest, SpeechResult, VoiceLock
from schemas.topics import AUDIO, RESULTS
from seedcast.campaigns.progress import wait
from seedcast.cli import verify
from seedcast.codec import encode_json, text_digest
from seedcast.kafka import Admin, Producer, TopicReader
from seedcast.settings import Settings
from storage.s3 import S3Store
from tests.conftest import Spawn, eventually
from tests.integration.test_cli import rows, run

pytestmark = pytest.mark.integration

ROWS = 40
SUBMITTED = (
    "--id-column",
    "id",
    "--template",
    "Hello {name}, number {id}. 您好。",
    "--speed",
    "1.25",
)


def a_list(folder: Path, count: int = ROWS) -> Path:
    file = folder / "list.csv"
    file.write_text(
        "id,name,voice,priority\n"
        + "".join(
            f"{n},Anna,{n % 4},{'urgent' if n % 8 == 0 else 'normal'}\n" for n in range(count)
        )
    )
    return file


def end(*workers: subprocess.Popen[bytes]) -> None:
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    assert [worker.wait(30) for worker in workers] == [0] * len(workers)


def deliver(settings: Settings, seedcast: Spawn, folder: Path) -> None:
    workers = (
        seedcast(["run", "gpu-consumer"], settings),
        seedcast(["run", "postprocess"], settings),
    )
    assert (
        run(settings, "submit", a_list(folder), "--campaign", "bills", *SUBMITTED).returncode == 0
    )
    assert wait(settings, "bills").succeeded == ROWS
    end(*workers)


def receipt_of(
    settings: Settings, request: SpeechRequest, like: Receipt, **changes: object
) -> Receipt:
    digest = text_digest(request.text, settings.postprocess.digest_key.get_secret_value().encode())
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
    Producer(settings).deliver(
        settings.topic(RESULTS), key=request.request_id.encode(), value=encode_json(result)
    )


def test_every_delivered_request_is_spoken_again_alike_and_a_forged_receipt_is_named(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    deliver(settings, seedcast, tmp_path)
    honest = run(settings, "verify", "bills", "--all", "--json")
    assert honest.returncode == 0, honest.stderr
    (summary,) = rows(honest)
    assert (summary["checked"], summary["matches"], summary["missing"]) == (ROWS, ROWS, 0)
    assert rows(run(settings, "verify", "bills", "--json"))[0]["matches"] == 20

    listed = run(settings, "verify", "bills", "--all", "--source", a_list(tmp_path), *SUBMITTED)
    assert (listed.returncode, f"{ROWS} match" in listed.stdout) == (0, True), listed.stderr
    other_text = run(
        settings,
        "verify",
        "bills",
        "--all",
        "--source",
        a_list(tmp_path),
        *SUBMITTED[:2],
        "--template",
        "Goodbye {name}.",
        "--json",
    )
    assert (other_text.returncode, len(rows(other_text))) == (1, ROWS + 1)
    shorter = run(
        settings,
        "verify",
        "bills",
        "--all",
        "--source",
        a_list(tmp_path, ROWS - 3),
        *SUBMITTED,
        "--json",
    )
    assert (shorter.returncode, [row.get("outcome") for row in rows(shorter)]) == (
        1,
        ["missing"] * 3 + [None],
    )

    receipts = [result.receipt for result in results_of(settings, "bills") if result.receipt]
    submit_requests(
        settings,
        [{"text": "Zebra one.", "voice": 1}, {"text": "Zebra two.", "voice": 2}],
        SubmitOptions(campaign="forged"),
    )
    first, second = sorted(requests_of(settings, "forged"), key=lambda request: request.text)
    forge(settings, first, receipt_of(settings, first, receipts[0], waveform_sha256="0" * 64))
    forge(
        settings,
        second,
        receipt_of(settings, second, receipts[0], engine_fingerprint="espeak-elsewhere"),
    )
    for arguments in (["--json"], []):
        found = run(settings, "verify", "forged", *arguments)
        assert found.returncode == 1
        assert first.request_id in found.stdout + found.stderr
        assert "Zebra" not in found.stdout + found.stderr
    facts = {
        row.get("request_id"): row for row in rows(run(settings, "verify", "forged", "--json"))
    }
    assert (facts[first.request_id]["outcome"], facts[first.request_id]["differs"]) == (
        "mismatch",
        ["waveform_sha256"],
    )
    assert facts[second.request_id]["outcome"] == "other_fingerprint"
    assert (
        facts[None]["checked"],
        facts[None]["mismatches"],
        facts[None]["other_fingerprint"],
    ) == (1, 1, 1)


def verdicts(count: int) -> list[Verdict]:
    expected, got = (Spoken(digit * 64, 0, None, 1, "espeak-1") for digit in "01")
    return [Verdict(f"request-{n}", "mismatch", expected, got) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "last"),
    [
        (verify.SHOWN, "  engine_fingerprint expected espeak-1, got espeak-1"),
        (verify.SHOWN + 1_200, "… and 1,200 more; --json has all"),
    ],
)
def test_what_is_left_out_for_people_is_counted(
    capsys: pytest.CaptureFixture[str], count: int, last: str
) -> None:
    assert verify._report(verdicts(count), as_json=False)["mismatch"] == count
    printed = capsys.readouterr().err
    assert printed.count("mismatch  request-") == verify.SHOWN
    assert printed.splitlines()[-1] == last


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["no-such"], 1, "nothing was checked"),
        (["x", "--sample", "5"], 2, "1%"),
        (["x", "--sample", "0%"], 2, "1%"),
    ],
)
def test_nothing_to_check_is_no_success(
    settings: Settings, arguments: list[str], code: int, said: str
) -> None:
    found = run(settings, "verify", *arguments)
    assert (found.returncode, said in found.stderr) == (code, True), found.stderr


def kept(settings: Settings) -> VoiceLock | None:
    return voice_lock.read(S3Store(settings.s3), settings.group(GROUP), "espeak")


def blessed(settings: Settings) -> VoiceLock:
    found = kept(settings)
    assert found is not None
    return found


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


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


def broken(settings: Settings, **changes: object) -> None:
    """A lock that this machine's engine does not satisfy."""
    voice_lock.write(S3Store(settings.s3), msgspec.structs.replace(blessed(settings), **changes))


def test_a_worker_that_sounds_otherwise_takes_no_partitions_until_it_is_blessed(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    production = {"SEEDCAST_HOME": str(tmp_path / "elsewhere")}
    bless = ["models", "bless", "--yes"]
    assert run(settings, *bless).returncode == 0
    submit_requests(settings, [{"text": "Hello.", "voice": 1}], SubmitOptions(campaign="bills"))
    first = next(iter(blessed(settings).utterances))
    broken(settings, utterances=blessed(settings).utterances | {first: "0" * 64})
    refused = run(
        settings, "run", "gpu-consumer"
    )  # under its own fingerprint, so on the embedded stack, too
    assert (refused.returncode, first in refused.stderr, "models bless" in refused.stderr) == (
        3,
        True,
        True,
    ), refused.stderr
    broken(
        settings,
        engine_fingerprint="espeak-before",
        facts=blessed(settings).facts | {"package": "0.0.1"},
    )
    refused = run(settings, "run", "gpu-consumer", **production)
    assert (refused.returncode, "espeak-before" in refused.stderr) == (3, True), refused.stderr
    assert f"package: expected 0.0.1, got {version('espeakng-loader')}" in refused.stderr
    assert Admin(settings).lag(settings.group(GROUP)) == []
    with TopicReader(settings, settings.topic(AUDIO)) as reader:
        assert list(reader.to_end()) == []

    unanswered = run(settings, *bless[:-1])  # nobody is at its terminal to say yes
    assert (unanswered.returncode, blessed(settings).engine_fingerprint) == (1, "espeak-before")
    assert re.search(r"^package +0\.0\.1 ", unanswered.stdout, re.MULTILINE), unanswered.stdout
    assert "revision" not in unanswered.stdout
    assert run(settings, *bless).returncode == 0
    worker = seedcast(["run", "gpu-consumer"], settings, **production)
    eventually(lambda: Admin(settings).lag(settings.group(GROUP)), what="a commit")
    end(worker)


def test_production_that_nobody_has_blessed_is_warned_and_works(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    submit_requests(settings, [{"text": "Hello.", "voice": 1}], SubmitOptions(campaign="bills"))
    worker = seedcast(["run", "gpu-consumer"], settings, SEEDCAST_HOME=str(tmp_path / "elsewhere"))
    eventually(lambda: Admin(settings).lag(settings.group(GROUP)), what="a commit")
    end(worker)
    assert kept(settings) is None
    lines = [
        json.loads(line)
        for log in tmp_path.glob("process-*.log")
        for line in log.read_text().splitlines()
    ]
    (warning,) = [line for line in lines if line["event"] == "no_voice_lock"]
    assert (warning["level"], "models bless" in warning["remedy"]) == ("warning", True)
