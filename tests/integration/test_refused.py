"""Passwords and rights that change while workers run: they wait, say so, and go on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from seedcast.campaigns.waiting import wait
from seedcast.embedded import processes
from seedcast.kafka import Admin
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas import rights
from seedcast.schemas.rights import Role
from seedcast.schemas.topics import FEEDERS, GPU_CONSUMERS, INDEXERS, POSTPROCESS
from seedcast.settings import KafkaSettings, Settings
from seedcast.storage.list_ids import ids_reader
from tests.builders.deployments import Spawn
from tests.builders.processes import ForkedProcess
from tests.builders.secured import REAUTHENTICATE, SecuredBroker, secured_broker
from tests.builders.waiting import eventually, missing, terminate

pytestmark = [pytest.mark.integration, pytest.mark.slow]

WORKERS = {
    rights.FEEDER: "feeder",
    rights.GPU_CONSUMER: "gpu-consumer",
    rights.POSTPROCESSOR: "postprocess",
    rights.INDEXER: "indexer",
}
ROWS = [{"id": str(n), "text": f"Message number {n}.", "voice": n % 5} for n in range(10)]


@dataclass
class Worker:
    role: Role
    user: str
    password: Path
    port: int
    process: ForkedProcess

    @property
    def missing(self) -> list[str] | None:
        return missing(self.port)


@dataclass
class Night:
    broker: SecuredBroker
    everything: Settings
    workers: list[Worker]

    def speak(self, campaign: str) -> None:
        submit_requests(self.everything, ROWS, SubmitOptions(campaign=campaign, id_column="id"))
        self.wait_until_spoken(campaign)

    def wait_until_spoken(self, campaign: str) -> None:
        progress = wait(self.everything, campaign, ids_reader(self.everything.s3))
        assert progress.succeeded == len(ROWS)

    def wait_until_ready(self) -> None:
        for worker in self.workers:
            eventually(lambda w=worker: w.missing == [], what=f"a ready {worker.user}")

    def wait_until_refused(self) -> None:
        for worker in self.workers:
            eventually(
                lambda w=worker: "access" in (w.missing or ()), what=f"{worker.user} to say so"
            )


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as running:
        yield running


@pytest.fixture
def night(
    broker: SecuredBroker, settings: Settings, seedcast: Spawn, tmp_path: Path
) -> Iterator[Night]:
    """A worker of each kind, each with the least rights and its password in a file."""
    prefix = settings.kafka.prefix
    kafka = KafkaSettings(bootstrap=broker.internal, prefix=prefix, partitions=2)
    everything = settings.model_copy(update={"kafka": kafka})
    Admin(everything).ensure_topics()
    workers = []
    for role, command in WORKERS.items():
        user, file = f"{prefix}-{command}", tmp_path / command
        broker.set_password(user, "first")
        broker.grant(user, role.rights(prefix))
        file.write_text("first\n")
        own = broker.settings(user, "", prefix=prefix, partitions=2, sasl_password_file=str(file))
        [port] = processes.free_ports(0)
        process = seedcast(
            ["run", command],
            everything.model_copy(update={"kafka": own}),
            SEEDCAST_METRICS_PORT=str(port),
            SEEDCAST_GPU_VOICE_LOCK="off",
            SEEDCAST_POSTPROCESS_DIGEST_KEY="a key of this test",
        )
        workers.append(Worker(role, user, file, port, process))
    made = Night(broker, everything, workers)
    made.wait_until_ready()
    yield made
    assert {worker.user: terminate(worker.process) for worker in workers} == {
        worker.user: 0 for worker in workers
    }


def test_a_password_is_rotated_without_a_restart(night: Night) -> None:
    night.speak("before")
    for worker in night.workers:
        night.broker.set_password(worker.user, "second")
    night.wait_until_refused()
    for worker in night.workers:
        worker.password.write_text("second\n")
    night.wait_until_ready()
    night.speak("after")


def test_rights_that_are_taken_away_and_given_back_end_no_worker(night: Night) -> None:
    night.speak("before")
    prefix = night.everything.kafka.prefix
    for worker in night.workers:
        night.broker.revoke(worker.user, worker.role.rights(prefix))
    submit_requests(night.everything, ROWS, SubmitOptions(campaign="meanwhile", id_column="id"))
    night.wait_until_refused()
    for worker in night.workers:
        night.broker.grant(worker.user, worker.role.rights(prefix))
    night.wait_until_ready()
    night.wait_until_spoken("meanwhile")


@pytest.mark.parametrize(
    "name",
    [
        "requests",
        "audio",
        "results",
        "campaigns",
        "cursors",
        "audio.urgent",
        *(group.name for group in (FEEDERS, GPU_CONSUMERS, POSTPROCESS, INDEXERS)),
    ],
)
def test_one_right_that_is_taken_away_under_load_loses_nothing(night: Night, name: str) -> None:
    full_name = f"{night.everything.kafka.prefix}.{name}"  # of a topic or a group
    taken = {
        worker.user: [
            r for r in worker.role.rights(night.everything.kafka.prefix) if r.name == full_name
        ]
        for worker in night.workers
    }
    submit_requests(night.everything, ROWS, SubmitOptions(campaign="load", id_column="id"))
    for user, its in taken.items():
        if its:
            night.broker.revoke(user, its)
    submit_requests(night.everything, ROWS, SubmitOptions(campaign="more", id_column="id"))
    refused = [worker for worker in night.workers if taken[worker.user]]
    for worker in refused:
        eventually(lambda w=worker: "access" in (w.missing or ()), what=f"{worker.user} to say so")
    for user, its in taken.items():
        if its:
            night.broker.grant(user, its)
    night.wait_until_ready()
    for campaign in ("load", "more"):
        night.wait_until_spoken(campaign)


def test_reauthentication_leaves_workers_ready(night: Night) -> None:
    """The broker ends the sessions of clients that do not show their password again."""
    until = time.monotonic() + 4 * REAUTHENTICATE / 1000
    seen = set[str]()
    while time.monotonic() < until:
        for worker in night.workers:
            missing = worker.missing
            seen |= {"no answer"} if missing is None else set(missing)
    assert not seen
