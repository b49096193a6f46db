"""Pausing, resuming, cancelling and back-pressure on a real Kafka: every request ends once, and nobody else waits."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition

from gpu_consumers.assignments import GROUP
from gpu_consumers.audio_backlog import Untaken, untaken
from gpu_consumers.parking import GROUP as PARKING
from producers import SubmitOptions, submit_requests
from producers.submit.run import Came
from schemas.messages import Campaign, RawAudio, SpeechResult
from schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    CAMPAIGNS,
    REQUESTS,
    REQUESTS_PARKED,
    REQUESTS_URGENT,
    Topic,
)
from seedcast.campaigns import campaign_state
from seedcast.campaigns.campaign_topic import alter, read_campaigns, write
from seedcast.campaigns.progress import wait
from seedcast.campaigns.subscription import read_results
from seedcast.codec import decode_campaign, decode_synthesis
from seedcast.errors import InvalidInput
from seedcast.kafka import Admin, Producer, TopicReader, announce, client_config
from seedcast.settings import Settings
from storage.audit import audit
from storage.s3 import S3Store
from tests.conftest import Spawn, eventually, stopped
from tests.integration.test_cli import rows, run

pytestmark = pytest.mark.integration

TAKES = {
    GROUP: (REQUESTS, REQUESTS_URGENT),
    PARKING: (REQUESTS_PARKED,),
    "postprocess": (AUDIO, AUDIO_URGENT),
}
GPU, POSTPROCESS = ["run", "gpu-consumer"], ["run", "postprocess"]


def people(number: int, priority: str = "normal") -> Iterator[Came]:
    return (
        {
            "id": f"p-{n}",
            "text": f"Dear customer {n}, thank you.",
            "voice": str(n % 4),
            "priority": priority,
        }
        for n in range(number)
    )


def submit(settings: Settings, campaign: str, number: int, priority: str = "normal") -> None:
    options = SubmitOptions(campaign=campaign, id_column="id", profiles=("telephony",))
    assert submit_requests(settings, people(number, priority), options).accepted == number


def results(settings: Settings, campaign: str) -> list[SpeechResult]:
    """The first of each request."""
    return list(read_results(settings, campaign))


def on(settings: Settings, topic: Topic) -> int:
    """How many records a topic has."""
    return sum(
        end - begin for begin, end in Admin(settings).bounds([settings.topic(topic)]).values()
    )


def lag(settings: Settings, group: str = GROUP) -> int:
    """Of all partitions, those too of which nothing is committed yet."""
    return sum(
        untaken(Admin(settings), settings.group(group), settings.topic(topic), 0).records
        for topic in TAKES[group]
    )


def row_of(settings: Settings, campaign: str) -> dict[str, object]:
    return next(
        row for row in rows(run(settings, "campaigns", "--json")) if row["campaign_id"] == campaign
    )


def test_a_cancelled_campaign_ends_each_request_once_and_stores_no_more_audio(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    seedcast(POSTPROCESS, settings)
    gpu = seedcast(GPU, settings, SEEDCAST_FAILPOINT="gpu.synthesised:100:stop")
    for process in ("process-0.log", "process-1.log"):
        eventually(
            lambda log=tmp_path / process: "assigned" in log.read_text(), what="both workers"
        )
    submit(settings, "night", 600)
    eventually(lambda: len(results(settings, "night")) >= 5, what="the first results")
    stopped(gpu)
    alter(settings, "night", campaign_state.cancelled)
    gpu.send_signal(signal.SIGCONT)
    changed, ended = rows(run(settings, "cancel", "night", "--wait", "--json"))
    assert (changed["state"], changed["changed"], ended["accepted"]) == ("cancelled", False, 600)
    found = results(settings, "night")
    statuses = Counter(result.status for result in found)
    assert len({result.metadata["id"] for result in found}) == len(found) == 600
    assert statuses.keys() == {"succeeded", "cancelled"}
    assert all(
        result.error and result.error.code == "cancelled"
        for result in found
        if result.status == "cancelled"
    )
    named = {rendition.uri for result in found for rendition in result.renditions}
    store = S3Store(settings.s3)
    assert {store.uri(stored.key) for stored in store.list("night/")} == named
    row = row_of(settings, "night")
    assert (row["state"], row["accepted"], row["succeeded"], row["cancelled"]) == (
        "cancelled",
        600,
        statuses["succeeded"],
        statuses["cancelled"],
    )
    eventually(lambda: lag(settings) == 0, what="no lag")
    with TopicReader(settings, settings.topic(AUDIO)) as reader:
        spoken = sum(
            isinstance(decode_synthesis(record.value), RawAudio) for record in reader.to_end()
        )
    assert spoken < 200, "requests were spoken that were cancelled long before"
    report = audit(settings, "night", store)
    assert report.ok, report


def test_a_paused_campaign_holds_back_nobody_and_goes_on_after_kill_9(
    settings: Settings, seedcast: Spawn
) -> None:
    worker = seedcast(GPU, settings, SEEDCAST_FAILPOINT="gpu.synthesised:20:stop")
    submit(settings, "night", 400)
    stopped(worker)
    alter(settings, "night", campaign_state.paused)
    worker.send_signal(signal.SIGCONT)
    eventually(lambda: lag(settings) == 0, what="no lag while it is paused")
    spoken, parked = on(settings, AUDIO), on(settings, REQUESTS_PARKED)
    assert (spoken + parked, parked > 0, row_of(settings, "night")["state"]) == (
        400,
        True,
        "paused",
    )
    submit(settings, "day", 20)
    eventually(
        lambda: on(settings, AUDIO) == spoken + 20 and lag(settings) == 0, what="the other campaign"
    )
    worker.kill()
    worker.wait()
    seedcast(GPU, settings)
    submit(settings, "noon", 20)
    eventually(lambda: on(settings, AUDIO) == spoken + 40, what="another one after the restart")
    seedcast(POSTPROCESS, settings)
    assert rows(run(settings, "resume", "night", "--json"))[0]["state"] == "sealed"
    progress = wait(settings, "night")
    assert (progress.succeeded, progress.accepted) == (400, 400)
    assert len({result.metadata["id"] for result in results(settings, "night")}) == 400
    assert on(settings, AUDIO) == 440, "nothing was spoken twice"
    eventually(
        lambda: lag(settings) == lag(settings, PARKING) == lag(settings, "postprocess") == 0,
        what="nothing parked",
    )
    report = audit(settings, "night", S3Store(settings.s3))
    assert report.ok, report


def test_what_is_parked_ends_when_its_campaign_is_cancelled(
    settings: Settings, seedcast: Spawn
) -> None:
    submit(settings, "night", 100)
    alter(settings, "night", campaign_state.paused)
    seedcast(GPU, settings)
    eventually(
        lambda: on(settings, REQUESTS_PARKED) == 100 and lag(settings) == 0, what="all of it parked"
    )
    assert on(settings, AUDIO) == 0
    seedcast(POSTPROCESS, settings)
    alter(settings, "night", campaign_state.cancelled)
    progress = wait(settings, "night")
    assert (progress.cancelled, progress.finished) == (100, 100)
    eventually(lambda: lag(settings) == lag(settings, PARKING) == 0, what="nothing parked")
    with TopicReader(settings, settings.topic(AUDIO)) as reader:
        assert not any(
            isinstance(decode_synthesis(record.value), RawAudio) for record in reader.to_end()
        )


@pytest.mark.slow
def test_pauses_and_resumptions_in_a_row_with_two_workers_lose_nothing_and_keep_the_lane(
    settings: Settings, seedcast: Spawn
) -> None:
    workers = [seedcast(GPU, settings), seedcast(GPU, settings)]
    submit(settings, "night", 200)
    submit(settings, "alarm", 20, priority="urgent")
    for campaign in ("alarm", "night", "alarm", "night", "night"):
        alter(settings, campaign, campaign_state.paused)
        before = on(settings, REQUESTS_PARKED)
        eventually(
            lambda at=before: on(settings, REQUESTS_PARKED) > at or lag(settings) == 0,
            what="something parked, or nothing left to park",
        )
        alter(settings, campaign, campaign_state.resumed)
    workers[0].kill()
    seedcast(POSTPROCESS, settings)
    for campaign, number in (("night", 200), ("alarm", 20)):
        progress = wait(settings, campaign)
        assert (progress.succeeded, progress.finished) == (number, number)
    with TopicReader(settings, settings.topic(AUDIO_URGENT)) as reader:
        found = [decode_synthesis(record.value) for record in reader.to_end()]
    assert {
        synthesis.request.campaign_id for synthesis in found if isinstance(synthesis, RawAudio)
    } == {"alarm"}
    assert (
        len(
            {synthesis.request.request_id for synthesis in found if isinstance(synthesis, RawAudio)}
        )
        == 20
    )


def test_submitting_stops_when_the_campaign_is_cancelled(settings: Settings) -> None:
    def endless() -> Iterator[Came]:
        for number in count():
            if number == 3000:
                alter(settings, "night", campaign_state.cancelled)
            yield {"id": f"p-{number}", "text": "Hello."}

    with pytest.raises(
        InvalidInput,
        match="campaign night; expected one that is open; got cancelled; use another campaign",
    ):
        submit_requests(
            settings, endless(), SubmitOptions(campaign="night", id_column="id", voice=1)
        )
    assert read_campaigns(settings)["night"].accepted is None


def test_a_campaign_that_is_paused_while_it_is_submitted_is_sealed_and_stays_paused(
    settings: Settings,
) -> None:
    def people() -> Iterator[Came]:
        for number in range(3000):
            if number == 2500:
                alter(settings, "night", campaign_state.paused)
            yield {"id": f"p-{number}", "text": "Hello."}

    report = submit_requests(
        settings, people(), SubmitOptions(campaign="night", id_column="id", voice=1)
    )
    assert (report.state, report.accepted) == ("paused", 3000)
    _, after = alter(settings, "night", campaign_state.resumed)
    assert (after.state, after.accepted) == ("sealed", 3000)


def test_a_writer_that_had_not_seen_the_seal_is_corrected_before_compaction(
    settings: Settings,
) -> None:
    producer = Producer(settings)
    opened = Campaign(campaign_id="night", state="open", created_at=datetime.now(UTC))
    for campaign in (opened, campaign_state.sealed(opened, 3)):
        announce(producer, settings, campaign)
    held = write(settings, producer, campaign_state.paused(opened))
    with TopicReader(settings, settings.topic(CAMPAIGNS)) as reader:
        latest = decode_campaign(list(reader.to_end())[-1].value)
    assert held == latest == read_campaigns(settings)["night"]
    assert (held.state, held.accepted) == ("paused", 3)


def test_audio_that_nobody_takes_holds_bulk_back_and_no_urgent_request(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    worker = seedcast(GPU, settings, SEEDCAST_GPU_BACKLOG="1")
    submit(settings, "night", 2500)
    log = tmp_path / "process-0.log"
    eventually(lambda: "audio_backlog_over" in log.read_text(), what="word of the backlog")
    held: list[int] = []
    for number in range(3):
        submit(settings, f"alarm-{number}", 1, priority="urgent")
        eventually(lambda at=number: on(settings, AUDIO_URGENT) > at, what="the urgent one")
        held.append(on(settings, AUDIO))
    assert held[1] == held[2] < 2500
    seedcast(POSTPROCESS, settings)
    eventually(lambda: on(settings, AUDIO) > held[2], what="bulk requests that go on")
    assert "audio_backlog_under" in log.read_text()
    alter(settings, "night", campaign_state.cancelled)  # a test has no time for all of it
    assert wait(settings, "night").finished == 2500
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=90) == 0


@pytest.mark.slow
def test_audio_that_waits_too_long_holds_bulk_back_whatever_its_size(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    worker = seedcast(GPU, settings, SEEDCAST_GPU_BACKLOG="0", SEEDCAST_GPU_BACKLOG_AGE="1")
    submit(settings, "night", 20)
    log = tmp_path / "process-0.log"
    eventually(lambda: "audio_backlog_over" in log.read_text(), what="word of old audio")
    submit(settings, "later", 20)
    submit(settings, "alarm", 1, priority="urgent")
    eventually(lambda: on(settings, AUDIO_URGENT) == 1, what="the urgent one")
    with TopicReader(settings, settings.topic(AUDIO)) as reader:
        assert {
            decode_synthesis(record.value).request.campaign_id for record in reader.to_end()
        } == {"night"}
    seedcast(POSTPROCESS, settings)
    assert wait(settings, "later").succeeded == 20
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=90) == 0


def test_what_is_too_old_is_counted_where_it_was_not_taken(settings: Settings) -> None:
    now, (topic, group) = (
        int(1000 * time.time()),
        (settings.topic(AUDIO), settings.group("postprocess")),
    )
    producer = confluent_kafka.Producer(client_config.client(settings.kafka))
    for partition, ages in enumerate(
        ((90, 80, 10), (5,), (70,))
    ):  # seconds; the fourth partition stays empty
        for age in ages:
            producer.produce(topic, b"audio", partition=partition, timestamp=now - 1000 * age)
    assert producer.flush(30) == 0
    admin = Admin(settings)
    assert [untaken(admin, group, topic, age) for age in (0, 60, 3600)] == [
        Untaken(5, 0),
        Untaken(5, 3),
        Untaken(5, 0),
    ]
    member = confluent_kafka.Consumer(client_config.client(settings.kafka) | {"group.id": group})
    member.commit(
        offsets=[TopicPartition(topic, 0, 1), TopicPartition(topic, 2, 1)], asynchronous=False
    )
    member.close()
    assert untaken(admin, group, topic, 60) == Untaken(3, 1)


def test_the_commands_say_what_they_do_and_what_cannot_be(settings: Settings) -> None:
    submit(settings, "night", 3)
    assert (
        "night: paused, was sealed; what is being spoken is finished"
        in run(settings, "pause", "night").stdout
    )
    assert "night: paused already; nothing to do" in run(settings, "pause", "night").stdout
    assert "paused" in run(settings, "campaigns").stdout
    refused = run(settings, "submit", "no-such.csv", "--campaign", "night")
    assert refused.returncode == 2
    assert rows(run(settings, "resume", "night", "--json")) == [
        {
            "campaign_id": "night",
            "before": "paused",
            "state": "sealed",
            "accepted": 3,
            "changed": True,
        },
    ]
    assert "what was delivered stays" in run(settings, "cancel", "night").stdout
    for arguments, said in (
        (("resume", "night"), "one that is cancelled"),
        (("pause", "nihgt"), "none of that name, but night"),
    ):
        done = run(settings, *arguments)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (
            2,
            True,
            False,
        )
