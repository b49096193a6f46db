"""The object store fails in every way that we know, and recovers.

Meanwhile no offset advances, memory stays flat, and the readiness probe names the store. Afterwards
work continues by itself.
"""

import json
import random
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from seedcast.embedded.processes import free_ports
from seedcast.settings import Settings
from tests.builders.waiting import eventually
from tests.crash.conftest import managed
from tests.crash.deployment import Deployment, with_short_timeouts
from tests.crash.proxy import Fault, Proxy, s3_error
from tests.crash.worker_process import Worker

pytestmark = pytest.mark.integration

REQUESTS = 40
BEFORE = 20  # requests; the store may fail after any number of them is stored
BACKLOG = 30  # requests that are spoken while the store is unavailable
LONG_BACKLOG = 3000  # requests
IN_HAND = 16  # records that may have been stored when it failed
GROWTH = 100 * 2**20  # bytes: buffers that a worker fills once, without a backlog


@dataclass
class ProxiedStore:
    """A deployment whose post-process worker reaches the store through a proxy."""

    deployment: Deployment
    proxy: Proxy
    worker: Worker
    metrics: int  # port

    def ready(self) -> tuple[bool, list[str]]:
        """Return the answer of the readiness probe: if it is ready, and what is missing."""
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
def proxied_store(
    settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[ProxiedStore]:
    proxy = Proxy(int(settings.s3.endpoint.rpartition(":")[2]))
    (metrics,) = free_ports(0)
    # These tests need no session to end.
    short = with_short_timeouts(settings, settings.kafka.session_timeout)
    s3 = short.s3.model_copy(update={"endpoint": f"http://127.0.0.1:{proxy.port}"})
    proxied = short.model_copy(update={"s3": s3})
    for deployment in managed(Deployment(short, tmp_path, settings), request):
        deployment.start_gpu_consumer()
        worker = deployment.start_worker(
            "postprocess",
            proxied,
            SEEDCAST_METRICS_PORT=str(metrics),
            SEEDCAST_POSTPROCESS_DIGEST_KEY="behind a proxy",
        )
        yield ProxiedStore(deployment, proxy, worker, metrics)
    proxy.close()


FAULTS = {
    "down": Fault(cut=True),
    "frozen": Fault(frozen=True),
    "503": s3_error("503 Slow Down", "SlowDown"),
    "credentials revoked": s3_error("403 Forbidden", "InvalidAccessKeyId"),
    # Simulated, because rclone creates a missing bucket at the next put.
    "bucket gone": s3_error("404 Not Found", "NoSuchBucket"),
}
UNAVAILABLE = ["down", "frozen", "503"]
REFUSALS = ["credentials revoked", "bucket gone"]


@pytest.mark.parametrize(
    "faults",
    [UNAVAILABLE, pytest.param(REFUSALS, marks=pytest.mark.slow)],
    ids=["unavailable", "refusing"],
)
def test_a_worker_waits_for_a_store_that_fails_in_any_way(
    proxied_store: ProxiedStore, chance: random.Random, faults: Sequence[str]
) -> None:
    store, deployment, count = proxied_store, proxied_store.deployment, REQUESTS
    deployment.submit(count)
    deployment.wait_for_completion(count)
    memory = store.memory()
    for name in chance.sample(faults, len(faults)):
        assert store.ready() == (True, [])
        deployment.submit(BEFORE, first=count, campaign=f"before-{count}")
        deployment.wait_for_results(count + chance.randint(1, BEFORE))
        count += BEFORE
        logged = len(store.worker.log)
        store.proxy.fail(FAULTS[name])
        # Submitted only now: a fast worker may have stored everything of before.
        deployment.submit(BACKLOG, first=count, campaign=f"backlog-{count}")
        eventually(
            lambda: store.ready() == (False, ["store"]),
            what=f"the readiness probe to name the store: {name}",
        )
        eventually(
            lambda: '"unavailable"' in store.worker.log[logged:],  # noqa: B023
            what=f"the log to name the store: {name}",
        )
        before = len(deployment.results)
        deployment.wait_for_commits("gpu-consumer", count + BACKLOG)
        assert len(deployment.results) < before + IN_HAND, name
        with deployment.recovery(f"store: {name}", "postprocess"):
            store.proxy.heal()
        count += BACKLOG
        deployment.wait_for_completion(count)
    deployment.assert_invariants(count)
    assert store.memory() < memory + GROWTH
    store.worker.shut_down()


@pytest.mark.slow
def test_a_backlog_does_not_grow_a_worker_whose_store_is_unavailable(
    proxied_store: ProxiedStore,
) -> None:
    store, deployment = proxied_store, proxied_store.deployment
    deployment.submit(REQUESTS)
    deployment.wait_for_completion(REQUESTS)
    memory = store.memory()
    store.proxy.fail(Fault(frozen=True))
    deployment.submit(LONG_BACKLOG, first=REQUESTS, campaign="backlog")
    deployment.wait_for_commits("gpu-consumer", REQUESTS + LONG_BACKLOG)
    assert store.memory() < memory + GROWTH
    store.proxy.heal()
    deployment.wait_for_completion(REQUESTS + LONG_BACKLOG)
    deployment.assert_invariants(REQUESTS + LONG_BACKLOG)


@pytest.mark.slow
def test_a_slow_store_only_slows_a_worker(proxied_store: ProxiedStore) -> None:
    deployment = proxied_store.deployment
    proxied_store.proxy.fail(Fault(delay=0.05))
    deployment.submit(BACKLOG)
    deployment.wait_for_completion(BACKLOG)
    deployment.assert_invariants(BACKLOG)
    assert proxied_store.ready() == (True, [])
