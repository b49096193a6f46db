"""The post-process app on a real Kafka and a real S3.

Every record gets its result through crashes, outages and rebalances.
"""

import hashlib
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from seedcast.codec import decode_result, encode_synthesis
from seedcast.embedded import Stack
from seedcast.kafka import GroupOffsets, Partition, TopicReader
from seedcast.schemas.messages import SpeechResult
from seedcast.schemas.topics import AUDIO, AUDIO_URGENT, DEAD_LETTERS, POSTPROCESS, RESULTS
from seedcast.settings import Settings
from seedcast.storage import dead_letters
from seedcast.storage.s3 import S3Store
from seedcast.waveforms import Waveform
from tests.builders.deployments import Spawn, fresh, with_short_session
from tests.builders.records import audio, rejected, sounds
from tests.builders.topics import delete, lag, read, send
from tests.builders.waiting import eventually, terminate, terminate_at_failpoint, wait_until_stopped

pytestmark = pytest.mark.integration

RUN = ["run", "postprocess"]


def first_results(settings: Settings) -> list[SpeechResult]:
    return [decode_result(records[0].value) for records in read(settings, RESULTS).values()]


def wait_for_all_results(settings: Settings, count: int, timeout: float = 180) -> None:
    """Wait until `count` requests have results and nothing is left to commit."""
    eventually(
        lambda: len(read(settings, RESULTS)) == count and not lag(settings, POSTPROCESS.name),
        timeout,
        f"{count} results",
    )


def committed(settings: Settings) -> dict[Partition, int]:
    found = GroupOffsets(settings).committed(settings.group(POSTPROCESS.name))
    return {partition: each.offset or 0 for partition, each in found.items()}


def assert_all_delivered(settings: Settings, count: int) -> None:
    """Assert that `count` requests have results, and that all objects are as their manifests say.

    Every repeat of a result equals the first byte for byte.
    """
    by_id = read(settings, RESULTS)
    assert len(by_id) == count
    assert all(len({record.value for record in records}) == 1 for records in by_id.values())
    store = S3Store(settings.s3)
    for result in first_results(settings):
        assert result.status == "succeeded"
        for rendition in result.renditions:
            assert hashlib.sha256(store.get(rendition.uri)).hexdigest() == rendition.sha256


def test_each_record_ends_as_result_with_objects_or_as_dead_letter(
    settings: Settings, seedcast: Spawn
) -> None:
    send(settings, AUDIO, sounds(range(20), profiles=("telephony", "phone", "speaker")))
    unspoken = (b"request-00100", encode_synthesis(rejected(100)))
    send(settings, AUDIO, [unspoken, (b"request-00101", b"\xff not MessagePack")])
    late = audio(102, deadline=datetime.now(UTC) - timedelta(seconds=1))
    send(settings, AUDIO, [(b"request-00102", encode_synthesis(late))])
    worker = seedcast(RUN, settings)
    wait_for_all_results(settings, 22)
    # To an autoscaler, an idle partition without a commit has lag for ever.
    eventually(
        lambda: len(committed(settings)) == 8, 30, "a commit of every partition of both topics"
    )
    assert terminate(worker) == 0
    assert sum(committed(settings).values()) == 23
    by_id = {result.request_id: result for result in first_results(settings)}
    for ended in ("request-00100", "request-00102"):
        assert by_id.pop(ended).status == "expired"
    assert all(len(result.renditions) == 3 and result.metadata for result in by_id.values())
    stored = {entry.uri for entry in S3Store(settings.s3).list("night-1/")}
    assert stored == {rendition.uri for result in by_id.values() for rendition in result.renditions}
    with TopicReader(settings, settings.topic(DEAD_LETTERS)) as reader:
        (letter,) = [dead_letters.parse(record) for record in reader.to_end()]
    assert (letter.key, letter.value, letter.topic, letter.stage) == (
        b"request-00101",
        b"\xff not MessagePack",
        settings.topic(AUDIO),
        "postprocess",
    )


@pytest.mark.slow
def test_kill_9_under_load_loses_nothing_and_repeats_the_same_bytes(
    settings: Settings, seedcast: Spawn
) -> None:
    send(settings, AUDIO, sounds(range(400), profiles=("telephony", "phone")))
    settings = with_short_session(settings)
    for killed_after in (40, 120):
        worker = seedcast(
            RUN, settings, SEEDCAST_FAILPOINT=f"postprocess.acknowledged:{killed_after}:stop"
        )
        wait_until_stopped(worker)
        worker.kill()
        worker.wait()
    assert len(read(settings, RESULTS)) < 400
    worker = seedcast(RUN, settings)
    wait_for_all_results(settings, 400, timeout=240)
    assert terminate(worker) == 0
    assert_all_delivered(settings, 400)


@pytest.mark.slow
def test_a_worker_that_is_frozen_until_after_a_deadline_leaves_no_object(
    settings: Settings, seedcast: Spawn
) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    value = encode_synthesis(audio(1, profiles=("telephony", "phone"), deadline=deadline))
    send(settings, AUDIO, [(b"request-00001", value)])
    worker = seedcast(RUN, settings, SEEDCAST_FAILPOINT="postprocess.stored:1:stop")
    wait_until_stopped(worker)
    store = S3Store(settings.s3)
    assert len(list(store.list("night-1/"))) == 2
    eventually(lambda: datetime.now(UTC) > deadline, what="the deadline")
    worker.send_signal(signal.SIGCONT)
    wait_for_all_results(settings, 1)
    assert [result.status for result in first_results(settings)] == ["expired"]
    assert list(store.list("night-1/")) == []
    assert terminate(worker) == 0


@pytest.mark.slow
def test_a_second_worker_that_joins_and_leaves_loses_nothing(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    first = seedcast(RUN, settings)
    eventually(
        lambda: '"assigned"' in (tmp_path / "process-0.log").read_text(), what="the first worker"
    )
    second = seedcast(RUN, settings)
    count = 0
    # Feed the first one meanwhile, so that the second joins in the middle of work.
    while '"assigned"' not in (tmp_path / "process-1.log").read_text():
        if count - len(read(settings, RESULTS)) < 100:
            send(settings, AUDIO, sounds(range(count, count + 50), profiles=("telephony", "phone")))
            count += 50
    send(settings, AUDIO, sounds(range(count, count + 300), profiles=("telephony", "phone")))
    eventually(
        lambda: len(read(settings, RESULTS)) >= count + 100,
        timeout=180,
        what="some results of both",
    )
    assert terminate(second) == 0
    wait_for_all_results(settings, count + 300)
    assert terminate(first) == 0
    assert_all_delivered(settings, count + 300)


def test_sigterm_finishes_what_is_in_hand_and_commits_it(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    send(settings, AUDIO, sounds(range(500), profiles=("phone",)))
    worker = seedcast(RUN, settings, SEEDCAST_FAILPOINT="postprocess.acknowledged:20:stop")
    assert terminate_at_failpoint(worker) == 0
    assert "stop_timed_out" not in (tmp_path / "process-0.log").read_text()
    committed = sum(
        each.committed or 0 for each in GroupOffsets(settings).lag(settings.group(POSTPROCESS.name))
    )
    assert 20 <= len(read(settings, RESULTS)) == committed < 500
    assert all(len(records) == 1 for records in read(settings, RESULTS).values())


def test_urgent_work_overtakes_the_backlog(settings: Settings, seedcast: Spawn) -> None:
    send(settings, AUDIO, sounds(range(800), profiles=("phone",)))
    worker = seedcast(RUN, settings, SEEDCAST_FAILPOINT="postprocess.acknowledged:50:stop")
    wait_until_stopped(worker)
    send(settings, AUDIO_URGENT, sounds(range(1000, 1010)))
    worker.send_signal(signal.SIGCONT)
    urgent = {f"request-{n:05d}" for n in range(1000, 1010)}
    eventually(lambda: urgent <= read(settings, RESULTS).keys(), what="the urgent results")
    times = {name: records[0].timestamp_ms for name, records in read(settings, RESULTS).items()}
    last = max(times[name] for name in urgent)
    assert sum(time <= last for time in times.values()) < 700


@pytest.mark.slow  # tests/crash/test_store.py has a store that goes away
def test_workers_wait_for_an_unavailable_store_even_through_a_rebalance(
    stoppable_stack: Stack, seedcast: Spawn, tmp_path: Path
) -> None:
    settings = with_short_session(fresh(stoppable_stack))
    survivor, killed = seedcast(RUN, settings), seedcast(RUN, settings)
    for log in (tmp_path / "process-0.log", tmp_path / "process-1.log"):
        eventually(lambda: '"assigned"' in log.read_text(), what="both workers")  # noqa: B023
    send(settings, AUDIO, sounds(range(100)))
    eventually(lambda: len(read(settings, RESULTS)) == 100, what="the first results")
    stoppable_stack.stop(["s3"])
    send(settings, AUDIO, sounds(range(100, 400)))
    log = tmp_path / "process-0.log"
    eventually(lambda: "unavailable" in log.read_text(), what="a log entry about the outage")
    killed.kill()
    eventually(
        lambda: "handed_back" in log.read_text(),
        what="a rebalance that does not wait for the store",
    )
    assert len(read(settings, RESULTS)) < 200
    stoppable_stack.start()
    wait_for_all_results(settings, 400, timeout=240)
    assert terminate(survivor) == 0
    assert_all_delivered(settings, 400)


@pytest.mark.slow
def test_sigterm_while_the_store_is_unavailable_hands_the_batch_back(
    stoppable_stack: Stack, seedcast: Spawn, tmp_path: Path
) -> None:
    settings = fresh(stoppable_stack)
    worker = seedcast(RUN, settings)
    send(settings, AUDIO, sounds(range(20)))
    eventually(lambda: len(read(settings, RESULTS)) == 20, what="the first results")
    stoppable_stack.stop(["s3"])
    send(settings, AUDIO, sounds(range(20, 120)))
    eventually(
        lambda: "unavailable" in (tmp_path / "process-0.log").read_text(),
        what="a log entry about the outage",
    )
    assert terminate(worker) == 0
    assert len(read(settings, RESULTS)) == 20
    stoppable_stack.start()
    worker = seedcast(RUN, settings)
    wait_for_all_results(settings, 120, timeout=240)
    assert terminate(worker) == 0
    assert_all_delivered(settings, 120)


@pytest.mark.slow
def test_a_worker_waits_for_an_unavailable_broker(
    stoppable_stack: Stack, seedcast: Spawn, tmp_path: Path
) -> None:
    settings = fresh(stoppable_stack)
    send(settings, AUDIO, sounds(range(600), profiles=("telephony", "phone")))
    worker = seedcast(RUN, settings, SEEDCAST_FAILPOINT="postprocess.acknowledged:20:stop")
    wait_until_stopped(worker)
    stoppable_stack.kill("kafka")
    stoppable_stack.stop_broker()
    worker.send_signal(signal.SIGCONT)
    eventually(
        lambda: "unavailable" in (tmp_path / "process-0.log").read_text(),
        what="a log entry about the outage",
    )
    stoppable_stack.start()
    wait_for_all_results(settings, 600, timeout=240)
    assert terminate(worker) == 0
    assert_all_delivered(settings, 600)


def test_a_record_as_large_as_the_topic_takes_is_delivered(
    settings: Settings, seedcast: Spawn
) -> None:
    value = encode_synthesis(audio(1, noise(8_300_000), 24_000, profiles=("wav",)))
    assert 0.95 * AUDIO.max_bytes < len(value) < AUDIO.max_bytes
    send(settings, AUDIO, [(b"request-00001", value)])
    send(settings, AUDIO, [(b"large garbage", b"\xc1" * (15 * 1024 * 1024))])
    worker = seedcast(RUN, settings)
    wait_for_all_results(settings, 1, timeout=240)
    assert terminate(worker) == 0
    assert_all_delivered(settings, 1)
    with TopicReader(settings, settings.topic(DEAD_LETTERS)) as reader:
        (letter,) = [dead_letters.parse(record) for record in reader.to_end()]
    assert dead_letters.original(letter, S3Store(settings.s3))[1] == b"\xc1" * (15 * 1024 * 1024)


def test_wrong_credentials_at_the_start_are_fatal_and_the_log_names_the_setting(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    worker = seedcast(RUN, settings, SEEDCAST_S3_SECRET_KEY="another")
    assert worker.wait(timeout=180) == 3
    assert "SEEDCAST_S3_SECRET_KEY" in (tmp_path / "process-0.log").read_text()


def test_a_starting_worker_exits_if_records_were_deleted_before_it_read_them(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    send(settings, AUDIO, sounds(range(40)))
    worker = seedcast(RUN, settings)
    wait_for_all_results(settings, 40)
    assert terminate(worker) == 0
    send(settings, AUDIO, sounds(range(40, 80)))
    delete(settings, AUDIO)
    assert seedcast(RUN, settings).wait(timeout=180) == 3
    assert "deleted before they were read" in (tmp_path / "process-1.log").read_text()


@pytest.mark.slow
def test_a_running_worker_exits_if_records_were_deleted_before_it_read_them(
    stoppable_stack: Stack, seedcast: Spawn, tmp_path: Path
) -> None:
    settings = fresh(stoppable_stack)
    worker = seedcast(RUN, settings)
    send(settings, AUDIO, sounds(range(20)))
    eventually(lambda: len(read(settings, RESULTS)) == 20, what="the first results")
    stoppable_stack.stop(["s3"])
    large = noise(220_500)  # 300 kB per record: the worker cannot prefetch most of them
    values = [encode_synthesis(audio(n, large, profiles=("wav",))) for n in range(20, 300)]
    send(settings, AUDIO, [(b"", value) for value in values])
    eventually(
        lambda: "unavailable" in (tmp_path / "process-0.log").read_text(),
        what="a log entry about the outage",
    )
    delete(settings, AUDIO)
    send(settings, AUDIO, sounds(range(300, 320)))
    stoppable_stack.start()
    assert worker.wait(timeout=180) == 3
    assert "deleted before they were read" in (tmp_path / "process-0.log").read_text()


def noise(samples: int) -> Waveform:
    """Return a waveform of shape (samples,) that hardly any codec makes smaller."""
    return np.random.default_rng(1).integers(-20_000, 20_000, samples).astype("<i2")
