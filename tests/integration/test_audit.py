"""The audit on a real Kafka and a real S3: a finished campaign is proven, each fault is named."""

import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from seedcast.campaigns.progress import wait
from seedcast.codec import encode_json, encode_synthesis
from seedcast.errors import InvalidInput
from seedcast.gpu_consumers.verify.replay import requests_of, results_of
from seedcast.kafka import GroupOffsets, Record, TopicReader, client_config
from seedcast.kafka.log_ids import ask_log_ids
from seedcast.kafka.offset_bitmap import encode
from seedcast.kafka.offset_state import stamp
from seedcast.producers.rows.request_ids import request_id
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file, submit_requests
from seedcast.schemas.messages import Rejected, RequestError, SpeechRequest, SpeechResult
from seedcast.schemas.topics import AUDIO, GPU_CONSUMERS, POSTPROCESS, REQUESTS, RESULTS, Topic
from seedcast.settings import Settings
from seedcast.storage.audit import Finding, Report, audit
from seedcast.storage.objects import object_key, parse_uri
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import Spawn, run
from tests.builders.topics import delete, producer
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

CAMPAIGN = "night"
NOT_SPOKEN = RequestError(code="engine_error", message="no")


def run_audit(settings: Settings, **options: object) -> Report:
    return audit(settings, CAMPAIGN, S3Store(settings.s3), **options)  # type: ignore[arg-type]


def names(findings: Iterable[Finding]) -> list[str]:
    return [finding.name for finding in findings]


def submit(settings: Settings, count: int) -> list[SpeechRequest]:
    """Submit requests that no worker reads, and return them."""
    submit_requests(
        settings,
        [{"text": f"Number {number}.", "voice": number} for number in range(count)],
        SubmitOptions(campaign=CAMPAIGN),
    )
    return list(requests_of(settings, CAMPAIGN))


def end_request(settings: Settings, request: SpeechRequest) -> None:
    """Send a result for the request, as the post-process app does."""
    result = SpeechResult(
        request_id=request.request_id, campaign_id=CAMPAIGN, status="failed", error=NOT_SPOKEN
    )
    producer(settings).deliver(
        settings.topic(RESULTS), key=request.request_id.encode(), value=encode_json(result)
    )


def add_audio(settings: Settings, request: SpeechRequest) -> None:
    """Send the request's record on the audio topic, as a GPU consumer does."""
    rejected = Rejected(
        request_id=request.request_id, campaign_id=CAMPAIGN, status="failed", error=NOT_SPOKEN
    )
    producer(settings).deliver(
        settings.topic(AUDIO), key=request.request_id.encode(), value=encode_synthesis(rejected)
    )


def positions(settings: Settings, topic: Topic) -> dict[str, tuple[int, int]]:
    """Return partition and offset of each record, by request id."""
    with TopicReader(settings, settings.topic(topic)) as reader:
        return {
            request_id_of(record, topic): (record.partition.number, record.offset)
            for record in reader.to_end()
        }


def request_id_of(record: Record, topic: Topic) -> str:
    if topic is REQUESTS:  # keyed by voice seed
        return str(msgspec.json.decode(record.value)["request_id"])
    return (record.key or b"").decode()


def bitmap_of(settings: Settings, partition: int, offset: int) -> str:
    """Return the metadata of a worker that has done one request and committed offset 0."""
    name = settings.topic(REQUESTS)
    place = ask_log_ids(settings.kafka, [name])[name].place(partition, 0)
    return stamp(encode(0, [offset]), place)


def commit(
    settings: Settings, group: str, topic: Topic, partition: int, offset: int, metadata: str = ""
) -> None:
    """Commit an offset, as an operator with an admin tool could."""
    with closing(Consumer(client_config.consumer(settings.kafka, settings.group(group)))) as client:
        client.commit(
            offsets=[TopicPartition(settings.topic(topic), partition, offset, metadata)],
            asynchronous=False,
        )


def commit_all(settings: Settings, group: str, topic: Topic) -> None:
    for partition, (_, end) in GroupOffsets(settings).bounds([settings.topic(topic)]).items():
        commit(settings, group, topic, partition.number, end)


def speak(settings: Settings, seedcast: Spawn, count: int) -> list[SpeechResult]:
    seedcast(["run", "gpu-consumer"], settings)
    seedcast(["run", "postprocess"], settings)
    rows = [
        {"text": f"Dear customer {number}, thank you.", "voice": number % 4}
        for number in range(count)
    ]
    submit_requests(
        settings, rows, SubmitOptions(campaign=CAMPAIGN, profiles=("telephony", "archive"))
    )
    assert wait(settings, CAMPAIGN).succeeded == count
    return list(results_of(settings, CAMPAIGN))


def test_a_campaign_is_proven_and_what_is_broken_afterwards_is_named(
    settings: Settings, seedcast: Spawn
) -> None:
    results = speak(settings, seedcast, 30)
    clean = run_audit(settings)
    assert clean.ok, [*clean.breaches, *clean.unfinished]
    assert (clean.accepted, clean.sealed, clean.state) == (30, 30, "completed")
    assert clean.outcomes == {"succeeded": 30}
    checked = {check.name: check.checked for check in clean.checks}
    objects = {rendition.uri for result in results for rendition in result.renditions}
    assert (checked["outcomes"], checked["objects"]) == (30, len(objects))
    done = run(settings, "audit", CAMPAIGN, "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True), done.stderr

    store = S3Store(settings.s3)
    missing, altered, shortened = (result.renditions[0] for result in results[:3])
    store.delete(missing.uri)
    data = store.get(altered.uri)
    store.put(parse_uri(altered.uri)[1], data[:-1] + bytes([data[-1] ^ 1]), "audio/wav")
    store.put(parse_uri(shortened.uri)[1], store.get(shortened.uri)[:-1], "audio/wav")
    store.put(object_key(CAMPAIGN, "ab" * 32, "wav"), b"nobody's", "audio/wav")
    store.put(object_key(CAMPAIGN + "-2", "ab" * 32, "wav"), b"another campaign's", "audio/wav")
    receipt = results[3].receipt
    assert receipt is not None
    other = msgspec.structs.replace(
        results[3], receipt=msgspec.structs.replace(receipt, waveform_sha256="0" * 64)
    )
    producer(settings).deliver(
        settings.topic(RESULTS), key=other.request_id.encode(), value=encode_json(other)
    )

    broken = run_audit(settings)
    found = {finding.name: finding for finding in (*broken.breaches, *broken.notes)}
    breaches = ["other_waveform", "missing_object", "wrong_size", "wrong_sha256"]
    assert names(broken.breaches) == breaches
    assert [found[name].count for name in (*breaches, "orphan", "repeats")] == [1] * 6
    assert other.request_id in str(found["other_waveform"])
    for name, uri in (
        ("missing_object", missing.uri),
        ("wrong_size", shortened.uri),
        ("wrong_sha256", altered.uri),
    ):
        assert uri in str(found[name])
    assert found["orphan"].examples == (store.uri(object_key(CAMPAIGN, "ab" * 32, "wav")),)
    assert "wrong_sha256" not in names(run_audit(settings, objects="size").breaches)
    assert names(run_audit(settings, objects="none").breaches) == ["other_waveform"]
    done = run(settings, "audit", CAMPAIGN)
    assert done.returncode == 1, done.stderr
    assert missing.uri in done.stdout
    assert "4 kinds of breach" in done.stdout


def test_requests_under_way_are_unfinished_and_no_breach(settings: Settings) -> None:
    first, second, third = submit(settings, 3)
    end_request(settings, first)
    add_audio(settings, second)
    number, offset = positions(settings, REQUESTS)[second.request_id]
    commit(settings, GPU_CONSUMERS.name, REQUESTS, number, 0, bitmap_of(settings, number, offset))
    report = run_audit(settings)
    assert (report.ok, report.breaches) == (False, ())
    assert [(finding.name, finding.count) for finding in report.unfinished] == [
        ("waiting_on_requests", 1),
        ("waiting_on_audio", 1),
    ]
    assert third.request_id in str(report.unfinished[0])
    done = run(settings, "audit", CAMPAIGN, "--no-objects")
    assert (done.returncode, "not finished: 2 wait" in done.stdout) == (1, True), done.stdout


@pytest.mark.parametrize("bitmap", [False, True])
def test_an_offset_committed_past_an_unfinished_request_is_a_breach(
    settings: Settings, bitmap: bool
) -> None:
    request, *others = submit(settings, 3)
    for other in others:
        end_request(settings, other)
    number, offset = positions(settings, REQUESTS)[request.request_id]
    watermark, metadata = (0, bitmap_of(settings, number, offset)) if bitmap else (offset + 1, "")
    commit(settings, GPU_CONSUMERS.name, REQUESTS, number, watermark, metadata)
    (breach,) = run_audit(settings).breaches
    assert (breach.name, breach.count, breach.examples) == (
        "request_passed",
        1,
        (f"{request.request_id} at requests[{number}]@{offset}",),
    )


def test_an_audio_offset_committed_without_a_result_is_a_breach(
    settings: Settings,
) -> None:
    request, other = submit(settings, 2)
    for each in (other, request):
        add_audio(settings, each)
    end_request(settings, other)
    number, offset = positions(settings, AUDIO)[request.request_id]
    commit_all(settings, GPU_CONSUMERS.name, REQUESTS)
    commit(settings, POSTPROCESS.name, AUDIO, number, offset + 1)
    (breach,) = run_audit(settings).breaches
    assert (breach.name, breach.examples) == (
        "audio_passed",
        (f"{request.request_id} at audio[{number}]@{offset}",),
    )


@pytest.mark.slow
def test_parked_requests_wait_and_are_proven_once_they_are_put_back(
    settings: Settings, seedcast: Spawn
) -> None:
    submit(settings, 12)
    assert run(settings, "pause", CAMPAIGN).returncode == 0
    seedcast(["run", "gpu-consumer"], settings)

    def parked() -> bool:
        report = run_audit(settings, objects="none")
        assert report.breaches == ()
        return [(finding.name, finding.count) for finding in report.unfinished] == [
            ("waiting_on_requests.parked", 12)
        ]

    eventually(parked, what="twelve parked requests")
    assert run(settings, "resume", CAMPAIGN).returncode == 0
    seedcast(["run", "postprocess"], settings)
    assert wait(settings, CAMPAIGN).succeeded == 12
    assert run_audit(settings).ok


def test_requests_that_retention_deleted_unread_are_counted(settings: Settings) -> None:
    for request in submit(settings, 5)[:2]:
        end_request(settings, request)
    deleted = delete(settings, REQUESTS)
    report = run_audit(settings)
    assert [(breach.name, breach.count) for breach in report.breaches] == [
        ("requests_deleted_unread", deleted),
        ("fewer_than_sealed", 3),
    ]
    assert "unaccepted" in names(report.notes)


def test_a_list_names_the_rows_whose_requests_were_deleted(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("invoice,name,voice\n" + "".join(f"n-{number},Anna,7\n" for number in range(6)))
    submit_file(
        settings,
        path,
        SubmitOptions(campaign=CAMPAIGN, id_column="invoice", template="Dear {name}."),
    )
    requests = {request.metadata["id"]: request for request in requests_of(settings, CAMPAIGN)}
    end_request(settings, requests["n-1"])
    add_audio(settings, requests["n-4"])
    delete(settings, REQUESTS)
    options = ("--source", str(path), "--id-column", "invoice", "--template", "Dear {name}.")
    done = run(settings, "audit", CAMPAIGN, *options, "--no-objects", "--json")
    findings = {
        finding["name"]: finding
        for check in json.loads(done.stdout)["checks"]
        for finding in check["findings"]
    }
    lost = [f"row {number + 1}: {request_id(CAMPAIGN, f'n-{number}')}" for number in (0, 2, 3, 5)]
    assert (done.returncode, findings["lost"]["kind"], findings["lost"]["examples"]) == (
        1,
        "breach",
        lost,
    ), done.stderr
    assert (findings["waiting_on_audio"]["count"], findings["fewer_than_sealed"]["count"]) == (1, 4)
    assert "--source" in run(settings, "audit", CAMPAIGN, "--no-objects").stdout
    no_such_list = ("--source", str(tmp_path / "no.csv"), "--no-objects")
    assert run(settings, "audit", CAMPAIGN, *no_such_list).returncode == 2
    nowhere = {"SEEDCAST_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    before_topics = run(settings, "audit", CAMPAIGN, *no_such_list, **nowhere)
    assert before_topics.returncode == 2, "a wrong list is refused before a broker is asked"


def test_audio_that_could_not_be_read_is_named_with_its_dead_letter(
    settings: Settings, seedcast: Spawn
) -> None:
    request, other = submit(settings, 2)
    producer(settings).deliver(
        settings.topic(AUDIO), key=request.request_id.encode(), value=b"\xc1 no audio"
    )
    add_audio(settings, other)
    commit_all(settings, GPU_CONSUMERS.name, REQUESTS)
    seedcast(["run", "postprocess"], settings)
    eventually(
        lambda: not run_audit(settings, objects="none").unfinished,
        what="both records of audio taken",
    )
    (breach,) = run_audit(settings, objects="none").breaches
    assert (breach.name, breach.examples) == (
        "buried",
        (f"{request.request_id} became a dead letter at dead-letters[0]@0",),
    )
    assert "seedcast dead-letters redrive" in breach.what


def test_outcomes_that_retention_deleted_prove_nothing_and_refute_nothing(
    settings: Settings,
) -> None:
    for request in submit(settings, 4):
        end_request(settings, request)
    commit_all(settings, GPU_CONSUMERS.name, REQUESTS)
    assert run_audit(settings).ok
    delete(settings, RESULTS)
    report = run_audit(settings)
    assert (report.ok, report.breaches) == (False, ())
    assert [(finding.name, finding.count) for finding in report.unfinished] == [("forgotten", 4)]
    assert "results_deleted" in names(report.notes)


def test_an_unknown_campaign_is_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="campaign night"):
        run_audit(settings)
    assert run(settings, "audit", "no-such").returncode == 2
