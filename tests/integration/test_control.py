"""Pausing, resuming, cancelling and back-pressure on a real Kafka.

Every request ends once, and other campaigns do not wait.
"""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition
from msgspec.structs import replace

from seedcast.campaigns import campaign_state
from seedcast.campaigns.campaign_topic import (
    announce,
    change_campaign,
    read_campaigns,
    write_campaign,
)
from seedcast.campaigns.subscription import read_results
from seedcast.codec import decode_campaign, decode_request, decode_synthesis
from seedcast.gpu_consumers.audio_backlog import Uncommitted, count_uncommitted
from seedcast.kafka import GroupOffsets, TopicReader, client_config
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.run import Came
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import Campaign, RawAudio, SpeechResult
from seedcast.schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    CAMPAIGNS,
    GPU_CONSUMERS,
    GROUPS,
    REQUESTS,
    Topic,
)
from seedcast.settings import Settings
from seedcast.storage.audit import audit
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import Spawn, rows, run, with_short_session
from tests.builders.feeding import feed, wait
from tests.builders.topics import producer
from tests.builders.waiting import eventually, wait_until_stopped

pytestmark = pytest.mark.integration

TOPICS_OF = {group.name: group.topics for group in GROUPS}
FEEDER, GPU, POSTPROCESS = ["run", "feeder"], ["run", "gpu-consumer"], ["run", "postprocess"]
MANY = 300  # requests: more than the 256 that are fed before a worker is there


def people(number: int, priority: str = "normal") -> Iterator[Came]:
    for n in range(number):
        text = f"Dear customer {n}, thank you."
        yield {"id": f"p-{n}", "text": text, "voice": str(n % 4), "priority": priority}


def stage(
    settings: Settings,
    campaign: str,
    number: int,
    priority: str = "normal",
    start_at: str | None = None,
) -> None:
    options = SubmitOptions(campaign=campaign, id_column="id", profiles=("wav",), start_at=start_at)
    assert submit_requests(settings, people(number, priority), options).accepted == number


def submit(settings: Settings, campaign: str, number: int, priority: str = "normal") -> None:
    """Stage a list and feed it."""
    stage(settings, campaign, number, priority)
    feed(settings)


def fed_of(settings: Settings, campaign: str) -> int:
    """Return how many requests of a campaign are on the requests topic, repeats included."""
    with TopicReader(settings, settings.topic(REQUESTS)) as reader:
        requests = [decode_request(record.value) for record in reader.to_end()]
    return sum(request.campaign_id == campaign for request in requests)


def results(settings: Settings, campaign: str) -> list[SpeechResult]:
    """The first result of each request."""
    return list(read_results(settings, campaign))


def size_of(settings: Settings, topic: Topic) -> int:
    """Return the number of records on a topic."""
    bounds = GroupOffsets(settings).bounds([settings.topic(topic)])
    return sum(end - begin for begin, end in bounds.values())


def lag(settings: Settings, group: str = GPU_CONSUMERS.name) -> int:
    """The lag over all partitions, including those without a commit."""
    return sum(
        count_uncommitted(
            GroupOffsets(settings), settings.group(group), settings.topic(topic), 0
        ).records
        for topic in TOPICS_OF[group]
    )


def spoken_on(settings: Settings, topic: Topic) -> list[RawAudio]:
    """Return the records of an audio topic that carry a waveform."""
    with TopicReader(settings, settings.topic(topic)) as reader:
        outcomes = [decode_synthesis(record.value) for record in reader.to_end()]
    return [outcome for outcome in outcomes if isinstance(outcome, RawAudio)]


def row_of(settings: Settings, campaign: str) -> dict[str, object]:
    return next(
        row for row in rows(run(settings, "campaigns", "--json")) if row["campaign_id"] == campaign
    )


def test_a_cancelled_campaign_ends_each_request_once_and_stores_no_more_audio(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    seedcast(POSTPROCESS, settings)
    gpu = seedcast(GPU, settings, SEEDCAST_FAILPOINT="gpu.synthesised:50:stop")
    for process in ("process-0.log", "process-1.log"):
        eventually(
            lambda log=tmp_path / process: "assigned" in log.read_text(), what="both workers"
        )
    submit(settings, "night", 300)
    eventually(lambda: len(results(settings, "night")) >= 5, what="the first results")
    wait_until_stopped(gpu)
    change_campaign(settings, "night", campaign_state.cancelled)
    gpu.send_signal(signal.SIGCONT)
    changed, ended = rows(run(settings, "cancel", "night", "--wait", "--json"))
    assert (changed["state"], changed["changed"], ended["accepted"]) == ("cancelled", False, 300)
    all_results = results(settings, "night")
    statuses = Counter(result.status for result in all_results)
    assert len({result.metadata["id"] for result in all_results}) == len(all_results) == 300
    assert statuses.keys() == {"succeeded", "cancelled"}
    assert all(
        result.error and result.error.code == "cancelled"
        for result in all_results
        if result.status == "cancelled"
    )
    delivered = {rendition.uri for result in all_results for rendition in result.renditions}
    store = S3Store(settings.s3)
    assert {store.uri(stored.key) for stored in store.list("night/")} == delivered
    row = row_of(settings, "night")
    assert (row["state"], row["accepted"]) == ("cancelled", 300)
    assert (row["succeeded"], row["cancelled"]) == (statuses["succeeded"], statuses["cancelled"])
    eventually(lambda: lag(settings) == 0, what="no lag")
    spoken = len(spoken_on(settings, AUDIO))
    assert spoken < 150, "requests were spoken that were cancelled long before"
    report = audit(settings, "night", store)
    assert report.ok, report


def test_a_paused_campaign_is_not_fed_and_goes_on_where_it_was(
    settings: Settings, seedcast: Spawn
) -> None:
    settings = with_short_session(settings)
    stage(settings, "night", MANY)
    feeder = seedcast(FEEDER, settings, SEEDCAST_FAILPOINT="feeder.acknowledged:1:stop")
    wait_until_stopped(feeder)
    change_campaign(settings, "night", campaign_state.paused)
    feeder.send_signal(signal.SIGCONT)
    stage(settings, "day", 20)
    for command in (GPU, POSTPROCESS):
        seedcast(command, settings)
    assert wait(settings, "day").succeeded == 20
    fed = fed_of(settings, "night")
    assert 0 < fed < MANY
    eventually(lambda: len(results(settings, "night")) == fed, what="what was fed is delivered")
    assert (row_of(settings, "night")["state"], fed_of(settings, "night")) == ("paused", fed)
    feeder.kill()
    feeder.wait()
    seedcast(FEEDER, settings)
    assert rows(run(settings, "resume", "night", "--json"))[0]["state"] == "sealed"
    assert wait(settings, "night").succeeded == MANY
    assert (fed_of(settings, "night"), size_of(settings, AUDIO)) == (MANY, MANY + 20), (
        "nothing is fed or spoken twice"
    )
    report = audit(settings, "night", S3Store(settings.s3))
    assert report.ok, report


def test_requests_of_a_campaign_end_when_it_is_cancelled_paused_staged_or_scheduled(
    settings: Settings, seedcast: Spawn
) -> None:
    submit(settings, "fed-and-paused", 100)
    for campaign in ("paused", "staged"):
        stage(settings, campaign, 100)
    stage(settings, "scheduled", 100, start_at="12h")
    for campaign in ("fed-and-paused", "paused"):
        change_campaign(settings, campaign, campaign_state.paused)
    campaigns = ("fed-and-paused", "paused", "staged", "scheduled")
    for campaign in campaigns:
        change_campaign(settings, campaign, campaign_state.cancelled)
    for command in (FEEDER, GPU, POSTPROCESS):
        seedcast(command, settings)
    for campaign in campaigns:
        progress = wait(settings, campaign)
        assert (progress.cancelled, progress.finished) == (100, 100)
    eventually(lambda: lag(settings) == 0, what="no lag")
    assert not spoken_on(settings, AUDIO)


def test_a_writer_that_had_not_seen_the_seal_is_corrected_before_compaction(
    settings: Settings,
) -> None:
    sender = producer(settings)
    opened = Campaign(campaign_id="night", state="open", created_at=datetime.now(UTC))
    for campaign in (opened, replace(opened, state="sealed", accepted=3)):
        announce(sender, settings, campaign)
    written = write_campaign(settings, sender, replace(opened, state="paused"))
    with TopicReader(settings, settings.topic(CAMPAIGNS)) as reader:
        latest = decode_campaign(list(reader.to_end())[-1].value)
    assert written == latest == read_campaigns(settings)["night"]
    assert (written.state, written.accepted) == ("paused", 3)


@pytest.mark.slow
def test_unread_audio_holds_back_normal_requests_and_no_urgent_one(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    worker = seedcast(GPU, settings, SEEDCAST_GPU_BACKLOG="1")
    submit(settings, "night", 2500)
    log = tmp_path / "process-0.log"
    eventually(lambda: "audio_backlog_over" in log.read_text(), what="the log of the backlog")
    spoken: list[int] = []
    for number in range(3):
        submit(settings, f"alarm-{number}", 1, priority="urgent")
        eventually(lambda at=number: size_of(settings, AUDIO_URGENT) > at, what="the urgent one")
        spoken.append(size_of(settings, AUDIO))
    assert spoken[1] == spoken[2] < 2500
    seedcast(POSTPROCESS, settings)
    eventually(lambda: size_of(settings, AUDIO) > spoken[2], what="more normal requests")
    assert "audio_backlog_under" in log.read_text()
    change_campaign(settings, "night", campaign_state.cancelled)  # a test has no time for all of it
    assert wait(settings, "night").finished == 2500
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=90) == 0


@pytest.mark.slow
def test_audio_that_waits_too_long_holds_back_normal_requests_whatever_its_size(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    worker = seedcast(GPU, settings, SEEDCAST_GPU_BACKLOG="0", SEEDCAST_GPU_BACKLOG_AGE="1")
    submit(settings, "night", 20)
    log = tmp_path / "process-0.log"
    eventually(lambda: "audio_backlog_over" in log.read_text(), what="the log of old audio")
    submit(settings, "later", 20)
    submit(settings, "alarm", 1, priority="urgent")
    eventually(lambda: size_of(settings, AUDIO_URGENT) == 1, what="the urgent one")
    with TopicReader(settings, settings.topic(AUDIO)) as reader:
        assert {
            decode_synthesis(record.value).request.campaign_id for record in reader.to_end()
        } == {"night"}
    seedcast(POSTPROCESS, settings)
    assert wait(settings, "later").succeeded == 20
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=90) == 0


def test_old_records_are_counted_only_if_they_are_unread(settings: Settings) -> None:
    now, topic, group = (
        int(1000 * time.time()),
        settings.topic(AUDIO),
        settings.group("postprocess"),
    )
    producer = confluent_kafka.Producer(client_config.client(settings.kafka))
    ages_of_partitions = ((90, 80, 10), (5,), (70,))  # seconds; the fourth partition stays empty
    for partition, ages in enumerate(ages_of_partitions):
        for age in ages:
            producer.produce(topic, b"audio", partition=partition, timestamp=now - 1000 * age)
    assert producer.flush(30) == 0
    groups = GroupOffsets(settings)
    assert [count_uncommitted(groups, group, topic, age) for age in (0, 60, 3600)] == [
        Uncommitted(5, 0),
        Uncommitted(5, 3),
        Uncommitted(5, 0),
    ]
    member = confluent_kafka.Consumer(client_config.client(settings.kafka) | {"group.id": group})
    offsets = [TopicPartition(topic, 0, 1), TopicPartition(topic, 2, 1)]
    member.commit(offsets=offsets, asynchronous=False)
    member.close()
    assert count_uncommitted(groups, group, topic, 60) == Uncommitted(3, 1)


def test_the_commands_report_what_they_do_and_refuse_what_is_impossible(settings: Settings) -> None:
    submit(settings, "night", 3)
    submit(settings, "day", 5)
    assert (
        "night: paused, was sealed; up to 3 requests still come; the rest waits"
        in run(settings, "pause", "night").stdout
    ), "eight are fed, and three of them may be its own"
    assert "night: paused already; nothing to do" in run(settings, "pause", "night").stdout
    assert "paused" in run(settings, "campaigns").stdout
    refused = run(settings, "submit", "no-such.csv", "--campaign", "night")
    assert refused.returncode == 2
    change = {"before": "paused", "state": "sealed", "accepted": 3, "changed": True}
    resumed = rows(run(settings, "resume", "night", "--json"))
    assert resumed == [{"campaign_id": "night"} | change]
    assert "up to 5 requests still come" in run(settings, "pause", "day").stdout
    resumption = "day: sealed, was paused; the feeder goes on where it was"
    assert resumption in run(settings, "resume", "day").stdout
    assert "what was delivered stays" in run(settings, "cancel", "night").stdout
    event = Campaign(campaign_id="alarms", state="open", created_at=datetime.now(UTC))
    announce(producer(settings), settings, event)
    for arguments, refusal in (
        (("pause", "alarms"), "one of events: its requests are on the requests topics already"),
        (("resume", "night"), "one that is cancelled"),
        (("pause", "nihgt"), "none of that name, but night"),
    ):
        failed = run(settings, *arguments)
        assert failed.returncode == 2
        assert refusal in failed.stderr
        assert "Traceback" not in failed.stderr
