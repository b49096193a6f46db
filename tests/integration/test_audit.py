"""The audit on a real Kafka and a real S3: accounts that are closed are proven, and each way to break them is found under its own name."""

import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from gpu_consumers.assignments import GROUP as GPU_GROUP
from gpu_consumers.verify.replay import requests_of, results_of
from producers import SubmitOptions, submit_file, submit_requests
from producers.rows.build import request_id
from schemas.messages import Rejected, RequestError, SpeechRequest, SpeechResult
from schemas.topics import AUDIO, REQUESTS, RESULTS, Topic
from seedcast.campaigns.progress import wait
from seedcast.codec import encode_json, encode_synthesis
from seedcast.errors import InvalidInput
from seedcast.kafka import Admin, Producer, TopicReader, client_config
from seedcast.kafka.offset_bitmap import encode
from seedcast.settings import Settings
from storage.audit import Finding, Report, audit
from storage.objects import object_key, parse_uri
from storage.s3 import S3Store
from stream_apps.postprocess.faust_app import GROUP as POSTPROCESS_GROUP
from tests.conftest import Spawn, eventually
from tests.integration.test_cli import run

pytestmark = pytest.mark.integration

CAMPAIGN = "night"
NOT_SPOKEN = RequestError(code="engine_error", message="no")


def prove(settings: Settings, **options: object) -> Report:
    return audit(settings, CAMPAIGN, S3Store(settings.s3), **options)  # type: ignore[arg-type]


def names(findings: Iterable[Finding]) -> list[str]:
    return [finding.name for finding in findings]


def submitted(settings: Settings, count: int) -> list[SpeechRequest]:
    """Nobody reads them."""
    submit_requests(
        settings,
        [{"text": f"Number {number}.", "voice": number} for number in range(count)],
        SubmitOptions(campaign=CAMPAIGN),
    )
    return list(requests_of(settings, CAMPAIGN))


def end(settings: Settings, request: SpeechRequest) -> None:
    result = SpeechResult(
        request_id=request.request_id, campaign_id=CAMPAIGN, status="failed", error=NOT_SPOKEN
    )
    Producer(settings).deliver(
        settings.topic(RESULTS), key=request.request_id.encode(), value=encode_json(result)
    )


def voice(settings: Settings, request: SpeechRequest) -> None:
    rejected = Rejected(
        request_id=request.request_id, campaign_id=CAMPAIGN, status="failed", error=NOT_SPOKEN
    )
    Producer(settings).deliver(
        settings.topic(AUDIO), key=request.request_id.encode(), value=encode_synthesis(rejected)
    )


def places(settings: Settings, topic: Topic) -> dict[str, tuple[int, int]]:
    """Partition and offset of what was found under each key, or of each request."""
    with TopicReader(settings, settings.topic(topic)) as reader:
        found = {}
        for record in reader.to_end():
            name = (
                msgspec.json.decode(record.value)["request_id"]
                if topic is REQUESTS
                else (record.key or b"").decode()
            )
            found[name] = record.partition.number, record.offset
        return found


def commit(
    settings: Settings, group: str, topic: Topic, partition: int, offset: int, metadata: str = ""
) -> None:
    """As an operator with an admin tool could."""
    with closing(Consumer(client_config.consumer(settings.kafka, settings.group(group)))) as client:
        client.commit(
            offsets=[TopicPartition(settings.topic(topic), partition, offset, metadata)],
            asynchronous=False,
        )


def commit_all(settings: Settings, group: str, topic: Topic) -> None:
    for partition, (_, end) in Admin(settings).bounds([settings.topic(topic)]).items():
        commit(settings, group, topic, partition.number, end)


def delete(settings: Settings, topic: Topic) -> int:
    """All that is there, as retention would. Returns how many offsets."""
    bounds = Admin(settings).bounds([settings.topic(topic)])
    client = AdminClient(client_config.client(settings.kafka))
    futures = client.delete_records(
        [TopicPartition(p.topic, p.number, end) for p, (_, end) in bounds.items() if end]
    )
    for future in futures.values():
        future.result(30)
    return sum(end - begin for begin, end in bounds.values())


def spoken(settings: Settings, seedcast: Spawn, count: int) -> list[SpeechResult]:
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


def test_a_campaign_is_proven_and_what_is_broken_afterwards_is_found(
    settings: Settings, seedcast: Spawn
) -> None:
    results = spoken(settings, seedcast, 30)
    clean = prove(settings)
    assert clean.ok, [*clean.breaches, *clean.unfinished]
    assert (clean.accepted, clean.outcomes, clean.sealed, clean.state) == (
        30,
        {"succeeded": 30},
        30,
        "completed",
    )
    checked = {check.name: check.checked for check in clean.checks}
    assert (checked["outcomes"], checked["objects"]) == (
        30,
        len({r.uri for result in results for r in result.renditions}),
    )
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
    Producer(settings).deliver(
        settings.topic(RESULTS), key=other.request_id.encode(), value=encode_json(other)
    )

    broken = prove(settings)
    found = {finding.name: finding for finding in (*broken.breaches, *broken.notes)}
    assert names(broken.breaches) == [
        "other_waveform",
        "missing_object",
        "wrong_size",
        "wrong_sha256",
    ]
    assert [
        found[name].count
        for name in (
            "other_waveform",
            "missing_object",
            "wrong_size",
            "wrong_sha256",
            "orphan",
            "repeats",
        )
    ] == [1] * 6
    assert other.request_id in str(found["other_waveform"])
    for name, uri in (
        ("missing_object", missing.uri),
        ("wrong_size", shortened.uri),
        ("wrong_sha256", altered.uri),
    ):
        assert uri in str(found[name])
    assert found["orphan"].examples == (store.uri(object_key(CAMPAIGN, "ab" * 32, "wav")),)
    assert "wrong_sha256" not in names(prove(settings, objects="size").breaches)
    assert names(prove(settings, objects="none").breaches) == ["other_waveform"]
    done = run(settings, "audit", CAMPAIGN)
    assert (done.returncode, missing.uri in done.stdout, "4 kinds of breach" in done.stdout) == (
        1,
        True,
        True,
    ), done.stderr


def test_what_is_under_way_is_not_finished_and_no_breach(settings: Settings) -> None:
    first, second, third = submitted(settings, 3)
    end(settings, first)
    voice(settings, second)
    number, offset = places(settings, REQUESTS)[second.request_id]
    commit(settings, GPU_GROUP, REQUESTS, number, 0, encode(0, [offset]))
    report = prove(settings)
    assert (report.ok, report.breaches) == (False, ())
    assert [(finding.name, finding.count) for finding in report.unfinished] == [
        ("waiting_on_requests", 1),
        ("waiting_on_audio", 1),
    ]
    assert third.request_id in str(report.unfinished[0])
    done = run(settings, "audit", CAMPAIGN, "--no-objects")
    assert (done.returncode, "not finished: 2 wait" in done.stdout) == (1, True), done.stdout


@pytest.mark.parametrize("bitmap", [False, True])
def test_an_offset_that_was_committed_past_an_unfinished_request_is_a_breach(
    settings: Settings, bitmap: bool
) -> None:
    request, *others = submitted(settings, 3)
    for other in others:
        end(settings, other)
    number, offset = places(settings, REQUESTS)[request.request_id]
    commit(
        settings,
        GPU_GROUP,
        REQUESTS,
        number,
        *((0, encode(0, [offset])) if bitmap else (offset + 1, "")),
    )
    (breach,) = prove(settings).breaches
    assert (breach.name, breach.count, breach.examples) == (
        "request_passed",
        1,
        (f"{request.request_id} at requests[{number}]@{offset}",),
    )


def test_an_audio_offset_that_was_committed_without_a_result_is_a_breach(
    settings: Settings,
) -> None:
    request, other = submitted(settings, 2)
    for found in (other, request):
        voice(settings, found)
    end(settings, other)
    number, offset = places(settings, AUDIO)[request.request_id]
    commit_all(settings, GPU_GROUP, REQUESTS)
    commit(settings, POSTPROCESS_GROUP, AUDIO, number, offset + 1)
    (breach,) = prove(settings).breaches
    assert (breach.name, breach.examples) == (
        "audio_passed",
        (f"{request.request_id} at audio[{number}]@{offset}",),
    )


@pytest.mark.slow
def test_parked_requests_wait_and_are_proven_when_they_were_put_back(
    settings: Settings, seedcast: Spawn
) -> None:
    submitted(settings, 12)
    assert run(settings, "pause", CAMPAIGN).returncode == 0
    seedcast(["run", "gpu-consumer"], settings)

    def parked() -> bool:
        report = prove(settings, objects="none")
        assert report.breaches == ()
        return [(finding.name, finding.count) for finding in report.unfinished] == [
            ("waiting_on_requests.parked", 12)
        ]

    eventually(parked, what="twelve parked requests")
    assert run(settings, "resume", CAMPAIGN).returncode == 0
    seedcast(["run", "postprocess"], settings)
    assert wait(settings, CAMPAIGN).succeeded == 12
    assert prove(settings).ok


def test_requests_that_retention_deleted_unread_are_counted(settings: Settings) -> None:
    for request in submitted(settings, 5)[:2]:
        end(settings, request)
    gone = delete(settings, REQUESTS)
    report = prove(settings)
    assert [(breach.name, breach.count) for breach in report.breaches] == [
        ("requests_deleted_unread", gone),
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
    end(settings, requests["n-1"])
    voice(settings, requests["n-4"])
    delete(settings, REQUESTS)
    options = (
        "--source",
        str(path),
        "--id-column",
        "invoice",
        "--template",
        "Dear {name}.",
        "--no-objects",
    )
    done = run(settings, "audit", CAMPAIGN, *options, "--json")
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
    assert (
        run(
            settings, "audit", CAMPAIGN, "--source", str(tmp_path / "no.csv"), "--no-objects"
        ).returncode
        == 2
    )


def test_audio_that_could_not_be_read_is_named_with_its_dead_letter(
    settings: Settings, seedcast: Spawn
) -> None:
    request, other = submitted(settings, 2)
    Producer(settings).deliver(
        settings.topic(AUDIO), key=request.request_id.encode(), value=b"\xc1 no audio"
    )
    voice(settings, other)
    commit_all(settings, GPU_GROUP, REQUESTS)
    seedcast(["run", "postprocess"], settings)
    eventually(
        lambda: not prove(settings, objects="none").unfinished, what="both records of audio taken"
    )
    (breach,) = prove(settings, objects="none").breaches
    assert (breach.name, breach.examples) == (
        "buried",
        (f"{request.request_id} became a dead letter at dead-letters[0]@0",),
    )
    assert "seedcast dead-letters redrive" in breach.what


def test_outcomes_that_retention_deleted_prove_nothing_and_refute_nothing(
    settings: Settings,
) -> None:
    for request in submitted(settings, 4):
        end(settings, request)
    commit_all(settings, GPU_GROUP, REQUESTS)
    assert prove(settings).ok
    delete(settings, RESULTS)
    report = prove(settings)
    assert (report.ok, report.breaches) == (False, ())
    assert [(finding.name, finding.count) for finding in report.unfinished] == [("forgotten", 4)]
    assert "results_deleted" in names(report.notes)


def test_a_campaign_of_which_nothing_is_known_is_a_mistake(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="campaign night"):
        prove(settings)
    assert run(settings, "audit", "no-such").returncode == 2
