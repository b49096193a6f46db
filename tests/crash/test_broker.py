"""Brokers that die, freeze, are cut off or lose their answers, under load: every request still ends once."""

import random
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from schemas.topics import AUDIO
from seedcast.embedded import processes
from seedcast.failpoints import VARIABLE
from seedcast.kafka import Admin, client_config
from seedcast.settings import Settings
from storage.s3 import S3Store
from tests.conftest import environment, eventually
from tests.conftest import stopped as halted
from tests.crash.cluster import Cluster, Node
from tests.crash.conftest import a_night
from tests.crash.night import GRACE, GROUPS, SESSION, Night, Worker, impatient
from tests.crash.proxy import Fault

pytestmark = pytest.mark.integration

REQUESTS = 150  # of people who are spoken to when a fault comes
ROWS = 50  # of a list that is submitted through it


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    yield from running(Cluster(tmp_path_factory.mktemp("lone")))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    yield from running(Cluster(tmp_path_factory.mktemp("three"), count=3))


def running(cluster: Cluster) -> Iterator[Cluster]:
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def on(cluster: Cluster, settings: Settings, folder: Path) -> Night:
    """A night whose workers reach the brokers through the proxies, while the test does so directly."""
    kafka = settings.kafka.model_copy(
        update={"bootstrap": cluster.direct, "replication": len(cluster.nodes)}
    )
    seen = settings.model_copy(update={"kafka": kafka})
    client = AdminClient(client_config.client(kafka))
    eventually(
        lambda: len(client.list_topics(timeout=10).brokers) == len(cluster.nodes),
        what="all brokers",
    )
    Admin(seen).ensure_topics()
    S3Store(seen.s3).ensure_bucket()
    proxied = seen.model_copy(
        update={"kafka": kafka.model_copy(update={"bootstrap": cluster.proxied})}
    )
    return Night(impatient(proxied), folder, seen)


@pytest.fixture
def dark(
    lone: Cluster, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Night]:
    yield from a_night(on(lone, settings, tmp_path), request)


def killed(node: Node, chance: random.Random) -> None:
    node.kill()
    node.start()


def stopped(node: Node, chance: random.Random) -> None:
    node.stop()
    node.start()


def paused(node: Node, chance: random.Random) -> None:
    outlast(node.pause, node.go_on, SESSION + 3)


def cut(node: Node, chance: random.Random) -> None:
    outlast(
        lambda: node.proxy.fail(Fault(cut=True)), node.proxy.heal, chance.uniform(1, SESSION + 3)
    )


def deaf(node: Node, chance: random.Random) -> None:
    outlast(
        lambda: node.proxy.fail(Fault(deaf=True)), node.proxy.heal, chance.uniform(1, SESSION + 3)
    )


def slow(node: Node, chance: random.Random) -> None:
    outlast(lambda: node.proxy.fail(Fault(delay=0.1)), node.proxy.heal, SESSION + 3)


def outlast(begin: Callable[[], None], end: Callable[[], None], seconds: float) -> None:
    begin()
    threading.Event().wait(seconds)  # the length of the fault, not a wait for something
    end()


def paused_for_long(node: Node, _: random.Random) -> None:
    outlast(node.pause, node.go_on, 30)


def full(node: Node, _: random.Random) -> None:
    """No file may grow, as on a full disk: the broker gives up its folder and ends. Then there is room again."""
    assert node.process
    node.process.rlimit(psutil.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    eventually(
        lambda: node.process and not processes.runs(node.process),
        what="the broker to give up its folder",
    )
    node.start()


def submitting(night: Night, campaign: str) -> subprocess.Popen[str]:
    """A list on its way through the proxy, stopped before its first request is sent."""
    rows = night.folder / f"{campaign}.csv"
    rows.write_text(
        "id,text\n" + "".join(f"r-{number},Row number {number}.\n" for number in range(ROWS))
    )
    command = [
        sys.executable,
        "-m",
        "seedcast.cli",
        "submit",
        rows,
        "--campaign",
        campaign,
        "--id-column",
        "id",
        "--voice",
        "7",
        "--profile",
        "telephony",
    ]
    variables = environment(night.settings) | {VARIABLE: "submit.intended:1:stop"}
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    night.campaigns.append(campaign)
    halted(process)
    return process


def at_work(night: Night, *kinds: str) -> list[Worker]:
    """Workers that have their partitions, so that a fault meets both stages with work in hand."""
    workers = [night.start(kind) for kind in kinds or GROUPS]
    for worker in workers:
        worker.says('"assigned"')
    return workers


@pytest.mark.slow
@pytest.mark.parametrize("away", [Node.kill, Node.pause], ids=["dead", "frozen"])
def test_a_gpu_consumer_that_is_told_to_leave_while_the_broker_is_away_leaves_in_its_grace_time(
    dark: Night, lone: Cluster, away: Callable[[Node], None]
) -> None:
    """librdkafka's own close waits for a commit under way, for as long as the broker is away."""
    [worker] = at_work(dark, "gpu-consumer")
    dark.submit(REQUESTS)
    dark.comes_to("gpu-consumer", REQUESTS // 4)
    node = lone.nodes[0]
    away(node)
    worker.send(signal.SIGTERM)
    try:
        assert worker.process.wait(GRACE) == 0, worker.said[-2000:]
    finally:
        node.go_on() if away is Node.pause else node.start()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "faults",
    [
        (killed, cut, deaf),
        pytest.param((stopped, slow, paused, paused_for_long, full), marks=pytest.mark.slow),
    ],
    ids=["quick ones", "slow ones"],
)
def test_faults_of_the_only_broker_and_the_way_to_it_lose_nothing(
    dark: Night,
    lone: Cluster,
    chance: random.Random,
    faults: tuple[Callable[[Node, random.Random], None], ...],
) -> None:
    workers, count = at_work(dark), 0
    for fault in chance.sample(faults, len(faults)):
        submission = submitting(dark, f"list-{fault.__name__}")
        dark.submit(REQUESTS, first=count, campaign=fault.__name__)
        dark.comes_to("gpu-consumer", count + chance.randint(1, REQUESTS // 2))
        dark.mark()
        dark.unanswered()
        submission.send_signal(signal.SIGCONT)
        fault(lone.nodes[0], chance)
        for kind in GROUPS:
            with dark.recovery(f"broker {fault.__name__}", kind):
                pass
        output, _ = submission.communicate(timeout=180)
        assert f"{ROWS} accepted ({ROWS} new, 0 before)" in output, output
        count += REQUESTS + ROWS
        dark.completes(count)
    dark.holds(count)  # of each list, too: as many distinct ids as it was sealed with
    for worker in workers:
        worker.finishes()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_of_three_brokers_the_leader_is_killed_and_no_acknowledged_record_is_lost(
    three: Cluster,
    settings: Settings,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    chance: random.Random,
) -> None:
    for night in a_night(on(three, settings, tmp_path), request):
        workers = at_work(night, "gpu-consumer", *GROUPS)
        night.submit(6 * REQUESTS)
        for share in (1, 2):
            for kind in GROUPS:
                night.comes_to(kind, chance.randint(1, REQUESTS // 2) * share)
            night.mark()
            night.unanswered()
            leader = three.nodes[leader_of(night.seen) - 1]
            leader.kill()
            for kind in GROUPS:
                with night.recovery(f"leader killed: {kind}", kind):
                    pass
            leader.start()
        night.completes(6 * REQUESTS, timeout=300)
        night.holds(6 * REQUESTS)
        for worker in workers:
            worker.finishes()


def leader_of(settings: Settings) -> int:
    name = settings.topic(AUDIO)
    return int(
        AdminClient(client_config.client(settings.kafka))
        .list_topics(name, timeout=10)
        .topics[name]
        .partitions[0]
        .leader
    )
