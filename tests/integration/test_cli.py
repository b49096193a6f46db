"""The commands as an operator types them: exit codes, and output for people and programs."""

import json
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import soundfile

from seedcast.kafka import TopicReader
from seedcast.schemas.topics import DEAD_LETTERS, REQUESTS, TOPICS
from seedcast.settings import Settings
from seedcast.storage import dead_letters
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import Spawn, environment, rows, run
from tests.builders.topics import producer
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration


def write(folder: Path, *lines: str) -> Path:
    file = folder / "list.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_a_list_on_a_pipe_is_submitted_once(settings: Settings, tmp_path: Path) -> None:
    wrong = str(tmp_path / "wrong.jsonl")
    options = ["--id-column", "id", "--format", "csv", "--rejected", wrong, "--json"]
    for before in (False, True):
        done = subprocess.run(
            [sys.executable, "-m", "seedcast.cli", "submit", "-", "--campaign", "piped", *options],
            input="id,text,voice\n1,Hello.,7\n2,,7\n3,Bye.,8\n",
            env=environment(settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        (report,) = rows(done)
        assert (report["accepted"], report["before"], report["rejected"]) == (2, before, 1)
        assert report["rejected_file"] == wrong


def test_submit_wait_results_fetch(settings: Settings, seedcast: Spawn, tmp_path: Path) -> None:
    for kind in ("gpu-consumer", "postprocess", "feeder"):
        seedcast(["run", kind], settings, SEEDCAST_LOG_PROGRESS="0.2")
    people = ("1,A & B,1,482913", "2,,2,7", "3,Omar,x,7", "4,Grace,4,007", "5,Li,4,<break/>")
    file = write(tmp_path, "id,name,voice,code", *people)
    template = "Hello {name}, your code is {code:digits}."
    options = ["--id-column", "id", "--template", template, "--profile", "telephony"]
    submit = ["submit", file, "--campaign", "bills", *options, "--json", "--wait"]
    done = run(settings, *submit)
    assert done.returncode == 1  # three rows are wrong
    report, outcome = rows(done)
    assert (report["accepted"], report["rejected"], outcome["succeeded"]) == (2, 3, 2)
    wrong = [(r["row"], r["field"]) for r in report["rejections"]]  # type: ignore[union-attr,index,attr-defined]
    assert wrong == [(2, "name"), (3, "voice"), (5, "code")]

    again = rows(run(settings, *submit))[0]
    assert (again["before"], again["accepted"]) == (True, 2)

    (campaign,) = rows(run(settings, "campaigns", "--json"))
    assert (campaign["campaign_id"], campaign["state"]) == ("bills", "completed")
    assert (campaign["accepted"], campaign["succeeded"]) == (2, 2)

    results = rows(run(settings, "results", "--campaign", "bills", "--json"))
    assert {r["status"] for r in results} == {"succeeded"}
    assert "Hello" not in json.dumps(results)
    audio = tmp_path / "one.wav"
    fetch = ["fetch", results[0]["request_id"], "-o", audio]
    (fetched,) = rows(run(settings, *fetch, "--json"))
    assert fetched == {
        "request_id": results[0]["request_id"],
        "file": str(audio),
        **results[0]["renditions"][0],  # type: ignore[index]
    }
    assert soundfile.info(audio).samplerate == 8000
    assert run(settings, *fetch, "--profile", "phone").returncode == 2
    refused = run(settings, "fetch", results[0]["request_id"], "-o", tmp_path / "one.ogg")
    assert refused.returncode == 2
    assert "telephony (.wav" in refused.stderr
    assert not (tmp_path / "one.ogg").exists()
    parquet = tmp_path / "all.parquet"
    (written,) = rows(run(settings, "results", "--parquet", parquet, "--json"))
    assert written == {"file": str(parquet), "manifests": 2}

    lag = json.loads(run(settings, "status", "--json").stdout)["lag"]
    assert lag
    assert all(partition["lag"] == 0 for partition in lag)
    for worker in range(2):
        log = tmp_path / f"process-{worker}.log"
        eventually(lambda log=log: progress(log) == (2, 2, 0), what=f"its progress in {log}")


def progress(log: Path) -> tuple[int, int, int] | None:
    """Return taken, finished and lag of the last line of progress in a worker's log."""
    entries = [json.loads(line) for line in log.read_text().splitlines() if '"progress"' in line]
    assert all(entry["rate"] >= 0 for entry in entries)
    return next(((e["taken"], e["finished"], e["lag"]) for e in reversed(entries)), None)


def test_dry_run_checks_rows_and_needs_no_broker(settings: Settings, tmp_path: Path) -> None:
    file = write(tmp_path, "text,voice", "Hello.,1", "…,1")
    submit = ["submit", file, "--campaign", "dry", "--dry-run", "--json"]
    done = run(settings, *submit, SEEDCAST_KAFKA_BOOTSTRAP="127.0.0.1:1")
    assert (done.returncode, rows(done)[0]["rejected"]) == (1, 1)


def test_dead_letter_is_listed_shown_and_put_back(settings: Settings, seedcast: Spawn) -> None:
    worker = seedcast(["run", "gpu-consumer"], settings)
    producer(settings).deliver(settings.topic(REQUESTS), key=b"7", value=b"\xff\x00 nonsense")
    eventually(lambda: rows(run(settings, "dead-letters", "list", "--json")), what="a dead letter")
    (letter,) = rows(run(settings, "dead-letters", "list", "--json"))
    assert (letter["topic"], letter["stage"]) == (settings.topic(REQUESTS), "gpu-consumer")
    assert r"\xff\x00 nonsense" in run(settings, "dead-letters", "show", letter["position"]).stdout
    assert run(settings, "dead-letters", "redrive", letter["position"]).returncode == 0

    def count_letters() -> int:
        return len(rows(run(settings, "dead-letters", "list", "--json")))

    eventually(lambda: count_letters() == 2, what="the second letter")
    # The record has two letters by now, and is put back once.
    redriven = run(settings, "dead-letters", "redrive", "--all")
    assert redriven.stdout == f"1 is back on {settings.topic(REQUESTS)}\n"
    eventually(lambda: count_letters() == 3, what="the third letter")
    with TopicReader(settings, settings.topic(DEAD_LETTERS)) as reader:
        letters = [dead_letters.parse(record) for record in reader.to_end()]
    assert [(again.key, again.value, again.delivery_count) for again in letters] == [
        (b"7", b"\xff\x00 nonsense", count) for count in (1, 2, 3)
    ]
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0


def test_topics_are_listed_checked_and_created(settings: Settings) -> None:
    elsewhere = {
        "SEEDCAST_KAFKA_PREFIX": settings.kafka.prefix + "x",
        "SEEDCAST_KAFKA_PARTITIONS": "1",
    }
    assert len(rows(run(settings, "topics", "list", "--json"))) == len(TOPICS)
    (agreed,) = rows(run(settings, "topics", "check", "--json"))
    assert agreed == {"agrees": True, "problems": []}
    missing = run(settings, "topics", "check", **elsewhere)
    assert (missing.returncode, missing.stdout.count("missing")) == (1, len(TOPICS))
    (differs,) = rows(run(settings, "topics", "check", "--json", **elsewhere))
    assert not differs["agrees"]
    assert len(differs["problems"]) == len(TOPICS)  # type: ignore[arg-type]
    assert run(settings, "topics", "create", **elsewhere).returncode == 0
    assert run(settings, "topics", "check", **elsewhere).returncode == 0
    few = run(settings, "topics", "create", **elsewhere | {"SEEDCAST_KAFKA_PARTITIONS": "3"})
    assert few.returncode == 3
    assert "expected at least 3 partitions, got 1" in few.stderr


NO_STORE = {
    "SEEDCAST_S3_ENDPOINT": "http://127.0.0.1:1",
    "SEEDCAST_S3_CONNECT_TIMEOUT": "0.5",
    "SEEDCAST_KAFKA_START_TIMEOUT": "3",
    "SEEDCAST_POSTPROCESS_DIGEST_KEY": "a key of our own",
}


@pytest.mark.sample(9)
@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (["submit", "no-such.csv", "--campaign", "a"], {}, 2, "no-such.csv"),
        (["campaigns", "--wait", "no-such"], {}, 2, "no-such"),
        (["results", "--campaign", "no-such"], {}, 2, "campaign no-such"),
        (["results", "--campaign", "no-such", "--follow"], {}, 2, "campaign no-such"),
        (["fetch", "no-such", "-o", "x.wav"], {}, 2, "no-such"),
        (
            ["topics", "check"],
            {"SEEDCAST_KAFKA_BOOTSTRAP": "127.0.0.1:1", "SEEDCAST_KAFKA_START_TIMEOUT": "2"},
            3,
            "SEEDCAST_KAFKA_BOOTSTRAP",
        ),
        (
            ["run", "postprocess"],
            {"SEEDCAST_S3_SECRET_KEY": "wrong-secret-key"},
            3,
            "SEEDCAST_S3_SECRET_KEY",
        ),
        (
            ["run", "gpu-consumer"],
            {"SEEDCAST_S3_SECRET_KEY": "wrong-secret-key"},
            3,
            "SEEDCAST_S3_SECRET_KEY",
        ),
        (
            ["run", "postprocess"],
            {"SEEDCAST_S3_ENDPOINT": "http://127.0.0.1:1"},
            2,
            "SEEDCAST_POSTPROCESS_DIGEST_KEY",
        ),
        (
            ["run", "postprocess"],
            {"SEEDCAST_S3_ENDPOINT": "http://127.0.0.1:1", "SEEDCAST_POSTPROCESS_DIGEST_KEY": ""},
            2,
            "SEEDCAST_POSTPROCESS_DIGEST_KEY",
        ),
        (["run", "gpu-consumer"], NO_STORE, 3, "SEEDCAST_S3_ENDPOINT"),
        (["run", "postprocess"], NO_STORE, 3, "SEEDCAST_S3_ENDPOINT"),
        (["run", "gpu-consumer", "--engine", "kazoo"], {}, 2, "espeak"),
        (["status"], {"SEEDCAST_GPU_SLOTZ": "1"}, 2, "SEEDCAST_GPU_SLOTZ"),
        (["say", "…!", "-o", "x.wav"], {}, 2, "letter or digit"),
        (["say", "Hello", "-o", "/no/such/folder/x.wav"], {}, 2, "/no/such/folder"),
        (["say", "Hello", "-o", "x.wav", "--profile", "phone"], {}, 2, "phone (.ogg"),
        (["results", "--parquet", "all.csv"], {}, 2, ".parquet"),
    ],
)
def test_what_cannot_work_says_why_and_exits_with_its_code(
    settings: Settings, arguments: list[str], env: dict[str, str], code: int, said: str
) -> None:
    done = run(settings, *arguments, **env)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    error = json.loads(done.stderr.splitlines()[-1])  # every line is JSON, the last one too
    assert (error["event"], error["exit_code"]) == ("fatal", code)


def test_say_and_doctor(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "hello.flac"
    (said,) = rows(run(settings, "say", "您好 world", "--voice", "7", "-o", file, "--json"))
    assert said["sha256"] == sha256(file.read_bytes()).hexdigest()
    assert (said["file"], said["profile"], said["voice_seed"]) == (str(file), "archive", 7)
    assert soundfile.info(file).duration == pytest.approx(said["duration"])
    assert soundfile.info(file).duration > 0.5
    findings = {f["check"]: f["ok"] for f in rows(run(settings, "doctor", "--json"))}
    assert findings["kafka"]
    assert findings["s3"]
    assert findings["topics"]
    shown = run(settings, "doctor").stdout
    assert f"at {settings.kafka.bootstrap}\n" in shown
    assert f"at {settings.s3.endpoint}\n" in shown
    assert shown.endswith("\nnothing to mend\n")
    assert "SEEDCAST_GPU_SLOTS" not in shown
    shown = run(settings, "doctor", "--settings").stdout
    assert settings.s3.secret_key.get_secret_value() not in shown
    assert "SEEDCAST_GPU_SLOTS" in shown


def test_doctor_and_status_name_a_bucket_that_is_missing_and_create_none(
    settings: Settings,
) -> None:
    misspelt = settings.s3.model_copy(update={"bucket": settings.s3.bucket + "x"})
    env = {"SEEDCAST_S3_BUCKET": misspelt.bucket}
    doctor = run(settings, "doctor", **env)
    assert doctor.returncode == 1
    assert f"mend s3         {misspelt.endpoint}: there is no bucket {misspelt.bucket}" in (
        doctor.stdout
    )
    assert "\nto mend, in this order:\n  1. s3: correct SEEDCAST_S3_BUCKET" in doctor.stdout
    status = run(settings, "status", "--json", **env)
    assert json.loads(status.stdout)["buckets"] == [
        {"bucket": misspelt.bucket, "endpoint": misspelt.endpoint, "state": "missing"}
    ]
    assert status.returncode == 1
    assert not S3Store(misspelt).has_bucket()


def test_doctor_and_status_ask_kafka_where_the_store_is_away(settings: Settings) -> None:
    away = NO_STORE["SEEDCAST_S3_ENDPOINT"]
    status = run(settings, "status", "--json", **NO_STORE)
    shown = json.loads(status.stdout)
    assert (status.returncode, len(shown["topics"])) == (1, len(TOPICS))
    assert "looking for bucket" in shown["buckets"][0]["state"]
    findings = {f["check"]: f for f in rows(run(settings, "doctor", "--json", **NO_STORE))}
    assert findings["kafka"]["ok"]
    assert findings["topics"]["ok"]
    assert str(findings["s3"]["found"]).startswith(f"{away}: looking for bucket")


def test_status_needs_no_store(settings: Settings) -> None:
    s3 = settings.s3.model_copy(update={"endpoint": "", "access_key": "", "secret_key": ""})
    shown = json.loads(run(settings.model_copy(update={"s3": s3}), "status", "--json").stdout)
    assert (len(shown["topics"]), shown["buckets"]) == (len(TOPICS), [])


def test_an_interrupt_that_comes_in_a_finalizer_is_not_lost() -> None:
    code = """
import signal, sys, time
from seedcast.cli import interrupt_again
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
sys.unraisablehook = interrupt_again
class Closing:
    def __del__(self):
        raise KeyboardInterrupt
Closing()
time.sleep(60)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert done.stderr.rstrip().endswith("KeyboardInterrupt"), done.stderr


def test_help_imports_no_heavy_library() -> None:
    heavy = ("torch", "faust", "librosa", "minio", "confluent_kafka", "pyarrow")
    code = f"import sys, seedcast.cli; print([m for m in {heavy} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
