"""Indexers under load, what they say of themselves, and the audit of what they have written."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

from seedcast.embedded import processes
from seedcast.embedded.stack_state import HOST
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings
from seedcast.storage.audit import audit
from seedcast.storage.index.reader import Index
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import Spawn
from tests.builders.indexing import RUN, STATUSES, counts, ended, publish
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually, missing

PORTION = 100  # results that are published at once
PAUSE = 0.4  # seconds between two portions, which makes the load last


def outcome(number: int) -> int:
    return number % len(STATUSES)


@contextmanager
def load(settings: Settings, requests: list[SpeechRequest]) -> Iterator[threading.Thread]:
    """Publish a result for each request, and repeats with other outcomes between them."""
    stop = threading.Event()

    def run() -> None:
        for start in range(0, len(requests), PORTION):
            portion = requests[start : start + PORTION]
            publish(settings, [ended(r, STATUSES[outcome(n)]) for n, r in enumerate(portion)])
            publish(settings, [ended(r, "failed") for r in portion[::7]])
            if stop.wait(PAUSE):
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


def assert_as_audited(settings: Settings, index: Index, name: str, rows: int) -> None:
    """The index has each row once, and its counters are those of its rows and of the audit."""
    found = list(index.rows(name))
    report = audit(settings, name, S3Store(settings.s3))
    by_status = Counter(request.status for request in found)
    assert len({request.request_id for request in found}) == len(found) == rows
    assert dict(by_status) == dict(report.outcomes)
    assert counts(index.campaign(name)) == (*(by_status[status] for status in STATUSES), 0)


def is_active(port: int) -> bool:
    if missing(port) is None:  # it has no page yet
        return False
    with urlopen(f"http://{HOST}:{port}/metrics") as page:
        return b"seedcast_indexer_active 1.0" in page.read()


def retries(port: int) -> int:
    """Return how often an indexer has found its database away."""
    with urlopen(f"http://{HOST}:{port}/metrics") as page:
        found = [line for line in page.read().decode().splitlines() if line.startswith(_RETRIES)]
    return int(float(found[0].split()[-1])) if found else 0


_RETRIES = 'seedcast_retries_total{boundary="index"}'


def started(settings: Settings, seedcast: Spawn) -> tuple[ForkedProcess, int]:
    [port] = processes.free_ports(0)
    indexer = seedcast(RUN, settings, SEEDCAST_METRICS_PORT=str(port))
    eventually(lambda: missing(port) == [], what="a ready indexer")
    return indexer, port
