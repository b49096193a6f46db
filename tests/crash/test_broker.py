"""Brokers that die, freeze, are cut off or lose their answers under load.

Every request still ends once.
"""

import random
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from seedcast.embedded import processes
from seedcast.failpoints import VARIABLE
from seedcast.kafka import Admin, client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.schemas.topics import AUDIO
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import environment
from tests.builders.feeding import feed
from tests.builders.processes import ForkedProcess, start
from tests.builders.waiting import eventually, wait_until_stopped
from tests.crash.cluster import Cluster, Node
from tests.crash.conftest import managed
from tests.crash.deployment import GROUPS, SESSION, Deployment, with_short_timeouts
from tests.crash.proxy import Fault
from tests.crash.worker_process import GRACE, Worker

pytestmark = pytest.mark.integration

REQUESTS = 60  # accepted before each fault
ROWS = 20  # of a list that is submitted during the fault


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    yield from started(Cluster(tmp_path_factory.mktemp("single")))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    yield from started(Cluster(tmp_path_factory.mktemp("three"), count=3))


def started(cluster: Cluster) -> Iterator[Cluster]:
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def deployment_on(cluster: Cluster, settings: Settings, folder: Path) -> Deployment:
    """A deployment whose workers use the proxies; the test itself connects directly.

    Its brokers are not the embedded ones, so receipts need a key of its own.
    """
    kafka = settings.kafka.model_copy(
        update={"bootstrap": cluster.direct, "replication": len(cluster.nodes)}
    )
    own_key = settings.postprocess.model_copy(update={"digest_key": SecretStr("a cluster's own")})
    direct = settings.model_copy(update={"kafka": kafka, "postprocess": own_key})
    client = AdminClient(client_config.client(kafka))
    eventually(
        lambda: len(client.list_topics(timeout=10).brokers) == len(cluster.nodes),
        what="all brokers",
    )
    Admin(direct).ensure_topics()
    S3Store(direct.s3).ensure_bucket()
    proxied = direct.model_copy(
        update={"kafka": kafka.model_copy(update={"bootstrap": cluster.proxied})}
    )
    return Deployment(with_short_timeouts(proxied), folder, direct)


@pytest.fixture
def deployment(
    single: Cluster, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    yield from managed(deployment_on(single, settings, tmp_path), request)


def killed(node: Node, chance: random.Random) -> None:
    node.kill()
    node.start()


def stopped(node: Node, chance: random.Random) -> None:
    node.stop()
    node.start()


def paused(node: Node, chance: random.Random) -> None:
    inject(SESSION + 3, node.pause, node.resume)


def paused_for_long(node: Node, _: random.Random) -> None:
    inject(30, node.pause, node.resume)


def network_cut(node: Node, chance: random.Random) -> None:
    fail_network(node, Fault(cut=True), chance.uniform(1, SESSION + 3))


def answers_lost(node: Node, chance: random.Random) -> None:
    fail_network(node, Fault(answers_lost=True), chance.uniform(1, SESSION + 3))


def network_slow(node: Node, chance: random.Random) -> None:
    fail_network(node, Fault(delay=0.1), SESSION + 3)


def fail_network(node: Node, fault: Fault, seconds: float) -> None:
    inject(seconds, lambda: node.proxy.fail(fault), node.proxy.heal)


def inject(seconds: float, begin: Callable[[], None], end: Callable[[], None]) -> None:
    """Begin a fault, and end it after that many seconds."""
    begin()
    threading.Event().wait(seconds)  # the length of the fault, not a wait for something
    end()


def disk_full(node: Node, _: random.Random) -> None:
    """Let no file grow, as on a full disk, until the broker gives up its folder and exits.

    Then restart it with room.
    """
    assert node.process
    node.process.rlimit(psutil.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    eventually(
        lambda: node.process and not processes.is_running(node.process),
        what="the broker to give up its folder",
    )
    node.start()


@dataclass(frozen=True)
class Submission:
    process: ForkedProcess
    output: Path


def stopped_submission(deployment: Deployment, campaign: str) -> Submission:
    """Stage a list through the proxy; stop the process before its campaign exists."""
    rows, output = (deployment.folder / f"{campaign}.{suffix}" for suffix in ("csv", "log"))
    rows.write_text(
        "id,text\n" + "".join(f"r-{number},Row number {number}.\n" for number in range(ROWS))
    )
    options = ["--id-column", "id", "--voice", "7", "--profile", "telephony"]
    variables = environment(deployment.settings) | {VARIABLE: "submit.committing:1:stop"}
    arguments = ["submit", rows, "--campaign", campaign, *options]
    process = start(arguments, variables, output)
    deployment.campaigns.append(campaign)
    wait_until_stopped(process)
    return Submission(process, output)


def assigned_workers(deployment: Deployment, *kinds: str) -> list[Worker]:
    """Start workers and wait for their partitions, so that a fault meets them with work in hand."""
    workers = [deployment.start_worker(kind) for kind in kinds or GROUPS]
    for worker in workers:
        worker.wait_for_log('"assigned"')
    return workers


@pytest.mark.slow
@pytest.mark.parametrize("disable", [Node.kill, Node.pause], ids=["dead", "frozen"])
def test_a_gpu_consumer_exits_within_its_grace_time_while_the_broker_is_unavailable(
    deployment: Deployment, single: Cluster, disable: Callable[[Node], None]
) -> None:
    """librdkafka's own close waits for a pending commit as long as the broker is unavailable."""
    [worker] = assigned_workers(deployment, "gpu-consumer")
    deployment.submit(REQUESTS)
    deployment.wait_for_commits("gpu-consumer", REQUESTS // 4)
    node = single.nodes[0]
    disable(node)
    worker.send_signal(signal.SIGTERM)
    try:
        assert worker.process.wait(GRACE) == 0, worker.log[-2000:]
    finally:
        node.resume() if disable is Node.pause else node.start()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "faults",
    [
        (killed, answers_lost),
        (stopped, network_cut, network_slow, paused, paused_for_long, disk_full),
    ],
    ids=["quick ones", "slow ones"],
)
def test_faults_of_the_only_broker_and_of_the_network_lose_nothing(
    deployment: Deployment,
    single: Cluster,
    chance: random.Random,
    faults: tuple[Callable[[Node, random.Random], None], ...],
) -> None:
    workers, count = assigned_workers(deployment), 0
    for fault in chance.sample(faults, len(faults)):
        submission = stopped_submission(deployment, f"list-{fault.__name__}")
        deployment.submit(REQUESTS, first=count, campaign=fault.__name__)
        deployment.wait_for_commits("gpu-consumer", count + chance.randint(1, REQUESTS // 2))
        deployment.allow_repeats()
        deployment.allow_lost_answers()
        submission.process.send_signal(signal.SIGCONT)
        fault(single.nodes[0], chance)
        for kind in GROUPS:
            with deployment.recovery(f"broker {fault.__name__}", kind):
                pass
        submission.process.wait(180)
        output = submission.output.read_text()
        assert f": {ROWS} accepted" in output, output
        feed(deployment.test_settings)
        count += REQUESTS + ROWS
        deployment.wait_for_completion(count)
    deployment.assert_invariants(count)  # also that each list has as many ids as it was sealed with
    for worker in workers:
        worker.shut_down()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killing_the_leader_of_three_brokers_loses_no_acknowledged_record(
    three: Cluster,
    settings: Settings,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    chance: random.Random,
) -> None:
    for deployment in managed(deployment_on(three, settings, tmp_path), request):
        workers = assigned_workers(deployment, "gpu-consumer", *GROUPS)
        deployment.submit(6 * REQUESTS)
        for share in (1, 2):
            for kind in GROUPS:
                deployment.wait_for_commits(kind, chance.randint(1, REQUESTS // 2) * share)
            deployment.allow_repeats()
            deployment.allow_lost_answers()
            leader = three.nodes[leader_of(deployment.test_settings) - 1]
            leader.kill()
            for kind in GROUPS:
                with deployment.recovery(f"leader killed: {kind}", kind):
                    pass
            leader.start()
        deployment.wait_for_completion(6 * REQUESTS, timeout=300)
        deployment.assert_invariants(6 * REQUESTS)
        for worker in workers:
            worker.shut_down()


def leader_of(settings: Settings) -> int:
    name, client = settings.topic(AUDIO), AdminClient(client_config.client(settings.kafka))
    return int(client.list_topics(name, timeout=10).topics[name].partitions[0].leader)
