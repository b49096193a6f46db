"""The audit on a real Kafka and a real S3: a finished campaign is proven, each fault is named."""

import json
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from seedcast.campaigns import campaign_state
from seedcast.campaigns.campaign_topic import announce, change_campaign, read_campaigns
from seedcast.campaigns.cursor_topic import write_feeder_records
from seedcast.campaigns.waiting import wait
from seedcast.codec import encode_json, encode_synthesis
from seedcast.errors import InvalidInput
from seedcast.gpu_consumers.verify.replay import requests_of, results_of
from seedcast.kafka import GroupOffsets, Record, TopicReader, client_config
from seedcast.kafka.log_ids import ask_log_ids
from seedcast.kafka.offset_bitmap import encode
from seedcast.kafka.offset_state import stamp
from seedcast.kafka.partitioner import key
from seedcast.producers.staging import part_writer
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import (
    Campaign,
    Cursor,
    Rejected,
    RequestError,
    SpeechRequest,
    SpeechResult,
)
from seedcast.schemas.topics import AUDIO, GPU_CONSUMERS, POSTPROCESS, REQUESTS, RESULTS, Topic
from seedcast.settings import Settings
from seedcast.storage import staged_lists
from seedcast.storage.audit import Finding, Report, audit
from seedcast.storage.list_ids import ids_reader
from seedcast.storage.objects import object_key, parse_uri
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import Spawn, run
from tests.builders.feeding import feed
from tests.builders.requests import a_request
from tests.builders.topics import delete, producer, send
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

CAMPAIGN = "night"
NOT_SPOKEN = RequestError(code="engine_error", message="no")


def run_audit(settings: Settings, **options: object) -> Report:
    return audit(settings, CAMPAIGN, S3Store(settings.s3), **options)  # type: ignore[arg-type]


def names(findings: Iterable[Finding]) -> list[str]:
    return [finding.name for finding in findings]


def stage(settings: Settings, count: int) -> Campaign:
    """Submit requests, and feed none. Return the campaign."""
    submit_requests(
        settings,
        [{"text": f"Number {number}.", "voice": number} for number in range(count)],
        SubmitOptions(campaign=CAMPAIGN),
    )
    return read_campaigns(settings)[CAMPAIGN]


def submit(settings: Settings, count: int) -> list[SpeechRequest]:
    """Submit and feed requests that no worker reads, and return them."""
    stage(settings, count)
    feed(settings)
    return list(requests_of(settings, CAMPAIGN))


def send_requests(settings: Settings, *requests: SpeechRequest) -> None:
    """Send requests past the list, as a producer in another language does."""
    send(settings, REQUESTS, [(key(each.voice_seed), encode_json(each)) for each in requests])


def strays(count: int) -> list[SpeechRequest]:
    """Return requests under the campaign's name that are not of its list."""
    return [
        a_request(request_id=f"stray-{number:06d}", campaign_id=CAMPAIGN) for number in range(count)
    ]


def told(report: Report) -> list[tuple[str, int]]:
    findings = (*report.breaches, *report.unfinished, *report.notes)
    return [(finding.name, finding.count) for finding in findings]


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
    for worker in ("feeder", "gpu-consumer", "postprocess"):
        seedcast(["run", worker], settings)
    rows = [
        {"text": f"Dear customer {number}, thank you.", "voice": number % 4}
        for number in range(count)
    ]
    submit_requests(
        settings, rows, SubmitOptions(campaign=CAMPAIGN, profiles=("telephony", "archive"))
    )
    assert wait(settings, CAMPAIGN, ids_reader(settings.s3)).succeeded == count
    return list(results_of(settings, CAMPAIGN))


def test_a_campaign_is_proven_and_what_is_broken_afterwards_is_named(
    settings: Settings, seedcast: Spawn
) -> None:
    results = speak(settings, seedcast, 30)
    clean = run_audit(settings)
    assert clean.ok, [*clean.breaches, *clean.unfinished]
    assert (clean.accepted, clean.sealed, clean.state) == (30, 30, "sealed")
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


def test_rows_whose_requests_were_deleted_are_lost_and_named(settings: Settings) -> None:
    requests = {request.metadata["row"]: request for request in submit(settings, 6)}
    end_request(settings, requests["2"])
    add_audio(settings, requests["5"])
    deleted = delete(settings, REQUESTS)
    report = run_audit(settings)
    assert told(report) == [
        ("lost", 4),
        ("waiting_on_audio", 1),
        ("requests_deleted_unread", deleted),
    ]
    lost = tuple(f"row {row}: {requests[row].request_id}" for row in ("1", "3", "4", "6"))
    assert (report.accepted, report.breaches[0].examples) == (6, lost)


def test_what_is_not_fed_waits_in_the_list_until_it_is(settings: Settings) -> None:
    campaign = stage(settings, 3)
    assert told(run_audit(settings)) == [("waiting_in_list", 3)]
    change_campaign(settings, CAMPAIGN, campaign_state.paused)
    feed(settings)
    paused = run_audit(settings)
    assert told(paused) == [("waiting_in_list", 3)]
    assert "seedcast resume night" in paused.unfinished[0].what
    done = run(settings, "audit", CAMPAIGN, "--no-objects")
    assert (done.returncode, "not finished: 3 wait" in done.stdout) == (1, True), done.stdout

    change_campaign(settings, CAMPAIGN, campaign_state.resumed)
    feed(settings)
    assert told(run_audit(settings)) == [("waiting_on_requests", 3)]
    for request in requests_of(settings, campaign):
        end_request(settings, request)
    report = run_audit(settings)
    assert (report.ok, report.outcomes, told(report)) == (True, {"failed": 3}, [])


def test_a_row_that_the_cursor_calls_fed_and_no_topic_has_is_lost(settings: Settings) -> None:
    campaign = stage(settings, 3)
    send_requests(settings, *islice(requests_of(settings, campaign), 1))
    assert campaign.staged is not None
    cursor = Cursor(
        campaign_id=CAMPAIGN,
        staging=campaign.staged.staging,
        fed=3,
        unfed=(2,),  # its partition was full
        generation=1,
        held="no reason",
    )
    write_feeder_records(producer(settings), settings, [cursor])
    report = run_audit(settings)
    assert told(report) == [("lost", 1), ("waiting_in_list", 1), ("waiting_on_requests", 1)]
    assert "row 2: " in report.breaches[0].examples[0]
    assert "held: no reason" in report.unfinished[0].what


def test_strays_are_named_and_change_nothing_that_is_proven(settings: Settings) -> None:
    requests, (asked, ended) = submit(settings, 2), strays(2)
    send_requests(settings, asked)
    end_request(settings, ended)
    under_way = run_audit(settings)
    assert told(under_way) == [("waiting_on_requests", 2), ("stray", 2)]
    assert (under_way.accepted, under_way.outcomes) == (2, {})
    for request in (*requests, asked):
        end_request(settings, request)
    report = run_audit(settings)
    assert (report.ok, report.accepted, report.outcomes) == (True, 2, {"failed": 2})
    (stray,) = report.notes
    assert asked.request_id in str(stray)
    assert ended.request_id in str(stray)


@pytest.mark.parametrize("missing", [True, False])
def test_a_damaged_part_is_a_breach_and_the_rest_is_audited(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    monkeypatch.setattr(part_writer, "BATCH", 2)
    monkeypatch.setattr(part_writer, "PART", 2)
    requests = submit(settings, 5)
    campaign, store = read_campaigns(settings)[CAMPAIGN], S3Store(settings.s3)
    assert campaign.staged is not None
    key = staged_lists.folder(CAMPAIGN, campaign.staged.staging) + staged_lists.part_name(1)
    data = store.get(store.uri(key))
    store.delete(store.uri(key)) if missing else store.put(key, data[:-1], "x/y")
    first = min(requests, key=lambda request: int(request.metadata["row"]))
    end_request(settings, first)
    report = run_audit(settings)
    assert told(report) == [("list_damaged", 1), ("waiting_on_requests", 4)]
    assert (store.uri(key) in str(report.breaches[0]), report.accepted) == (True, 5)
    assert report.outcomes == {"failed": 1}
    store.put(key, data, "x/y")
    assert told(run_audit(settings)) == [("waiting_on_requests", 4)]


def test_a_list_is_audited_when_every_topic_has_forgotten_its_requests(settings: Settings) -> None:
    for request in submit(settings, 4):
        end_request(settings, request)
    commit_all(settings, GPU_CONSUMERS.name, REQUESTS)
    delete(settings, REQUESTS)
    report = run_audit(settings)
    assert (report.ok, report.accepted, told(report)) == (True, 4, [])


def test_a_campaign_without_a_list_is_audited_as_far_as_the_topics_reach(
    settings: Settings,
) -> None:
    requests = strays(3)
    send_requests(settings, *requests)
    record = Campaign(
        campaign_id=CAMPAIGN, state="sealed", created_at=datetime.now(UTC), accepted=4
    )
    announce(producer(settings), settings, record)
    for request in requests[:2]:
        end_request(settings, request)
    report = run_audit(settings)
    assert (report.accepted, told(report)) == (
        3,
        [("fewer_than_sealed", 1), ("waiting_on_requests", 1), ("no_list", 1)],
    )
    deleted = delete(settings, REQUESTS)
    assert told(run_audit(settings)) == [
        ("requests_deleted_unread", deleted),
        ("fewer_than_sealed", 2),
        ("no_list", 1),
        ("unaccepted", 2),
        ("requests_deleted", deleted),
    ]


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
