"""The object store goes away in every manner: offsets hold, memory stays flat, readiness says so, and work goes on by itself."""

import json
import random
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from seedcast.embedded.processes import free_ports
from seedcast.settings import Settings
from tests.conftest import eventually
from tests.crash.conftest import a_night
from tests.crash.night import Night, Worker, impatient
from tests.crash.proxy import Fault, Proxy, http

pytestmark = pytest.mark.integration

REQUESTS = 100
BACKLOG = 150  # requests, of which most come while the store is away
IN_HAND = 16  # records that may have been stored when it went
GROWTH = 100 * 2**20  # bytes: the buffers that a worker fills once, and no backlog


@dataclass
class Away:
    """A night whose post-process worker reaches the store through a proxy."""

    night: Night
    proxy: Proxy
    worker: Worker
    metrics: int  # port

    def ready(self) -> tuple[bool, list[str]]:
        """The answer of the readiness probe: whether, and what is missing."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.metrics}/ready", timeout=60
            ) as answer:
                return True, json.load(answer)["missing"]
        except urllib.error.HTTPError as answer:
            return False, json.load(answer)["missing"]

    def memory(self) -> int:
        return psutil.Process(self.worker.process.pid).memory_info().rss


@pytest.fixture
def away(settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Away]:
    proxy = Proxy(int(settings.s3.endpoint.rpartition(":")[2]))
    (metrics,) = free_ports(0)
    patient = impatient(settings, settings.kafka.session_timeout)  # no session has to end here
    proxied = patient.model_copy(
        update={"s3": patient.s3.model_copy(update={"endpoint": f"http://127.0.0.1:{proxy.port}"})}
    )
    for night in a_night(Night(patient, tmp_path, settings), request):
        night.gpu()
        worker = night.start(
            "postprocess",
            proxied,
            SEEDCAST_METRICS_PORT=str(metrics),
            SEEDCAST_POSTPROCESS_DIGEST_KEY="behind a proxy",
        )
        yield Away(night, proxy, worker, metrics)
    proxy.close()


FAULTS = {
    "down": Fault(cut=True),
    "frozen": Fault(frozen=True),
    "503": http("503 Slow Down", "SlowDown"),
    "credentials revoked": http("403 Forbidden", "InvalidAccessKeyId"),
    "bucket gone": http(
        "404 Not Found", "NoSuchBucket"
    ),  # rclone itself makes a bucket anew for whoever puts something there
}


def test_a_store_that_fails_in_any_manner_is_waited_for(away: Away, chance: random.Random) -> None:
    night, count = away.night, REQUESTS
    night.submit(count)
    night.completes(count)
    memory = away.memory()
    for name in chance.sample(list(FAULTS), len(FAULTS)):
        assert away.ready() == (True, [])
        night.submit(BACKLOG, first=count, campaign=f"backlog-{count}")
        night.reaches(count + chance.randint(1, 20))
        said = len(away.worker.said)
        away.proxy.fail(FAULTS[name])
        eventually(
            lambda: away.ready() == (False, ["store"]),
            what=f"readiness to say that the store is missing: {name}",
        )
        eventually(
            lambda: '"unavailable"' in away.worker.said[said:],  # noqa: B023
            what=f"a word of it in the log: {name}",
        )
        done = len(night.results)
        night.comes_to("gpu-consumer", count + BACKLOG)
        assert len(night.results) < done + IN_HAND, name
        with night.recovery(f"store: {name}", "postprocess"):
            away.proxy.heal()
        count += BACKLOG
        night.completes(count)
    night.holds(count)
    assert away.memory() < memory + GROWTH
    away.worker.finishes()


@pytest.mark.slow
def test_a_backlog_does_not_grow_a_worker_whose_store_is_away(away: Away) -> None:
    night = away.night
    night.submit(REQUESTS)
    night.completes(REQUESTS)
    memory = away.memory()
    away.proxy.fail(Fault(frozen=True))
    night.submit(20 * BACKLOG, first=REQUESTS, campaign="backlog")
    night.comes_to("gpu-consumer", REQUESTS + 20 * BACKLOG)
    assert away.memory() < memory + GROWTH
    away.proxy.heal()
    night.completes(REQUESTS + 20 * BACKLOG)
    night.holds(REQUESTS + 20 * BACKLOG)


@pytest.mark.slow
def test_a_slow_store_only_slows(away: Away) -> None:
    away.proxy.fail(Fault(delay=0.05))
    away.night.submit(BACKLOG)
    away.night.completes(BACKLOG)
    away.night.holds(BACKLOG)
    assert away.ready() == (True, [])
