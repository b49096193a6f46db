"""Workers announce themselves on a real Kafka, and whoever asks sees who is there."""

import json
import threading
from datetime import UTC, datetime

import pytest

from seedcast.codec import encode_json
from seedcast.embedded import Stack
from seedcast.fleet.announcing import Announcing
from seedcast.fleet.fleet import Seen
from seedcast.fleet.fleet_topic import FleetTopic, read_fleet
from seedcast.fleet.forgetting import forget_silent
from seedcast.schemas.messages import Worker
from seedcast.schemas.topics import AUDIO, FEEDERS, REQUESTS, WORKERS
from seedcast.settings import Settings
from tests.builders.deployments import Spawn, fresh, run, with_short_session
from tests.builders.requests import as_records, numbered
from tests.builders.topics import read, send
from tests.builders.waiting import eventually, terminate
from tests.builders.workers import a_worker

pytestmark = pytest.mark.integration

GPU, POSTPROCESS, FEEDER = (["run", kind] for kind in ("gpu-consumer", "postprocess", "feeder"))
HEARTBEAT = 0.2  # seconds, of a worker in this process
REQUESTS_MADE = 240  # seconds of work for two workers


def live(settings: Settings) -> list[Worker]:
    return [seen.worker for seen in read_fleet(settings).live()]


def kinds(settings: Settings) -> list[tuple[str, str]]:
    return [(worker.kind, worker.state) for worker in live(settings)]


def states(settings: Settings) -> list[str]:
    return sorted(worker.state for worker in live(settings))


def pid(worker: Worker) -> int:
    return int(worker.worker_id.rsplit("-", 2)[1])


def test_workers_are_seen_from_their_start_to_their_end(
    settings: Settings, seedcast: Spawn
) -> None:
    first, second, _ = (seedcast(command, settings) for command in (GPU, GPU, POSTPROCESS))
    all_ready = [("gpu-consumer", "ready")] * 2 + [("postprocess", "ready")]
    eventually(lambda: kinds(settings) == all_ready, what="three ready workers")
    *consumers, postprocess = live(settings)
    assert {pid(worker) for worker in consumers} == {first.pid, second.pid}
    assert [(worker.engine, worker.slots, worker.busy) for worker in consumers] == (
        [("espeak", 8, 0)] * 2
    )
    assert {worker.group for worker in consumers} == {settings.group("gpu-consumers")}
    assert len({worker.fingerprint for worker in consumers}) == 1
    assert postprocess.slots == settings.postprocess.threads
    assert len(postprocess.fingerprint or "") == 64

    with FleetTopic(settings) as topic:
        topic.catch_up()
        topic.follow()

        def followed() -> list[Seen]:
            topic.poll()
            return topic.fleet.live()

        numbers = map(numbered, range(REQUESTS_MADE))
        send(settings, REQUESTS, as_records(numbers), in_turn=True)
        eventually(lambda: any(seen.worker.busy for seen in followed()), what="a busy worker")
        eventually(lambda: len(read(settings, AUDIO)) == REQUESTS_MADE, what="all audio")
        eventually(lambda: not any(s.worker.busy for s in followed()), what="idle workers")

        first.kill()
        first.wait()
        eventually(lambda: len(followed()) == 2, what="the silence to tell of a kill")
        killed = next(worker for worker in consumers if pid(worker) == first.pid)
        assert read(settings, WORKERS)[killed.worker_id][-1].value, "it left no tombstone"

    assert terminate(second) == 0
    assert kinds(settings) == [("postprocess", "ready")]


def test_of_two_feeders_one_is_ready_and_the_other_stands_by_until_it_is_gone(
    settings: Settings, seedcast: Spawn
) -> None:
    settings = with_short_session(settings)
    feeders = {feeder.pid: feeder for feeder in (seedcast(FEEDER, settings) for _ in range(2))}
    eventually(lambda: states(settings) == ["ready", "standby"], what="one active feeder")
    active = next(worker for worker in live(settings) if worker.state == "ready")
    assert terminate(feeders.pop(pid(active))) == 0
    eventually(lambda: states(settings) == ["ready"], what="the other to take over")
    assert [pid(worker) for worker in live(settings)] == [*feeders]


@pytest.mark.slow
def test_a_worker_goes_on_while_the_broker_is_away_and_is_seen_again(
    stoppable_stack: Stack, seedcast: Spawn
) -> None:
    settings = fresh(stoppable_stack)
    worker = seedcast(GPU, settings)
    eventually(lambda: kinds(settings) == [("gpu-consumer", "ready")], what="a ready worker")
    [before] = live(settings)
    stoppable_stack.stop_broker()
    away = datetime.now(UTC)
    eventually(lambda: (datetime.now(UTC) - away).total_seconds() > 8, what="a missed heartbeat")
    assert worker.poll() is None
    stoppable_stack.start_broker()
    back = datetime.now(UTC)
    eventually(
        lambda: [w.worker_id for w in live(settings) if w.heartbeat > back] == [before.worker_id],
        what="a new heartbeat",
    )
    send(settings, REQUESTS, as_records(map(numbered, range(8))))
    eventually(lambda: len(read(settings, AUDIO)) == 8, what="its audio")
    assert terminate(worker) == 0
    assert live(settings) == []


@pytest.mark.slow
def test_a_worker_ends_in_time_where_the_broker_is_away(
    stoppable_stack: Stack,
) -> None:
    settings = fresh(stoppable_stack)
    with Announcing(settings, "feeder", FEEDERS, heartbeat=HEARTBEAT):
        eventually(lambda: live(settings), what="the worker")
        stoppable_stack.stop_broker()
        begin = datetime.now(UTC)
    assert (datetime.now(UTC) - begin).total_seconds() < 5
    assert "announcing" not in {thread.name for thread in threading.enumerate()}


def test_what_a_worker_says_of_itself_may_change(settings: Settings) -> None:
    busy = {"busy": 1}
    with Announcing(settings, "feeder", FEEDERS, heartbeat=HEARTBEAT) as announcing:
        eventually(lambda: kinds(settings) == [("feeder", "starting")], what="its start")
        announcing.update(state="standby", slots=2)
        announcing.watch(lambda: busy)
        eventually(lambda: kinds(settings) == [("feeder", "standby")], what="its new state")
        busy["busy"] = 2
        eventually(lambda: [w.busy for w in live(settings)] == [2], what="what it does")
        assert [worker.slots for worker in live(settings)] == [2]
        announcing.drain()
        announcing.update(state="ready")  # a start that the signal came into
        eventually(lambda: kinds(settings) == [("feeder", "draining")], what="its last state")
    assert live(settings) == []


def test_the_long_dead_are_forgotten_and_the_living_are_not(settings: Settings) -> None:
    """The broker dates the records: a second of silence stands for a day."""
    with Announcing(settings, "feeder", FEEDERS, heartbeat=HEARTBEAT):
        dead = a_worker("dead")
        send(settings, WORKERS, as_worker_records(dead))
        eventually(lambda: forget_silent(settings, 1.5) == ["dead"], what="a long silence")
        assert [worker.kind for worker in live(settings)] == ["feeder"]
        assert read_fleet(settings, whole=True).silent_for(0.0) == [
            worker.worker_id for worker in live(settings)
        ]


def test_status_shows_the_fleet_and_names_a_group_whose_workers_differ(
    settings: Settings,
) -> None:
    one, other = a_worker("one", busy=3), a_worker("other", fingerprint="espeak-" + "1e" * 16)
    send(settings, WORKERS, as_worker_records(one, other))
    shown = json.loads(run(settings, "status", "--json").stdout)
    assert [(w["worker_id"], w["slots"], w["busy"]) for w in shown["workers"]] == [
        ("one", 8, 3),
        ("other", 8, 0),
    ]
    assert all(worker["seen_seconds_ago"] < 15 for worker in shown["workers"])
    assert shown["mixed_fingerprints"] == {
        one.group: {one.fingerprint: 1, other.fingerprint: 1},
    }
    done = run(settings, "status")
    [line] = [line for line in done.stdout.splitlines() if " one " in line]
    assert line.split()[:7] == [
        "gpu-consumer",
        "one",
        "ready",
        "0.1.0",
        "8",
        "3",
        "espeak-0f0f0f0f",
    ]
    assert f"{one.group}: workers of several fingerprints" in done.stderr
    assert "espeak-0f0f0f0f (1), espeak-1e1e1e1e (1)" in done.stderr


def test_status_shows_a_deployment_from_before_there_was_the_topic(settings: Settings) -> None:
    kafka = settings.kafka.model_copy(update={"prefix": settings.kafka.prefix + "-older"})
    done = run(settings.model_copy(update={"kafka": kafka}), "status", "--json")
    assert json.loads(done.stdout)["workers"] == []


def as_worker_records(*workers: Worker) -> list[tuple[bytes, bytes]]:
    return [(worker.worker_id.encode(), encode_json(worker)) for worker in workers]
