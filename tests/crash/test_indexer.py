"""Indexers that are killed under load, and databases and stores that are away."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

import pytest

from seedcast.embedded import processes
from seedcast.embedded.stack_state import HOST
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import IndexSettings, Settings
from seedcast.storage.audit import audit
from seedcast.storage.index.reader import Index
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import Spawn
from tests.builders.indexing import (
    RUN,
    STATUSES,
    counts,
    end,
    end_memberships,
    ended,
    opened,
    publish,
    stage_list,
    until_completed,
)
from tests.builders.postgres_server import PostgresServer
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually, missing
from tests.crash.proxy import Fault, Proxy

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KILLS = 20
ROWS = 12_000
PORTION = 100  # results that are published at once
PAUSE = 0.4  # seconds between two portions, which makes the load last


@pytest.fixture
def indexed(settings: Settings, index_settings: IndexSettings) -> Settings:
    return settings.model_copy(update={"index": index_settings})


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


def test_kills_at_random_moments_under_load_lose_nothing_and_count_nothing_twice(
    indexed: Settings, seedcast: Spawn, chance: random.Random
) -> None:
    requests = stage_list(indexed, "night", ROWS)
    with load(indexed, requests) as loading:
        for _ in range(KILLS):
            [port] = processes.free_ports(0)
            indexer = seedcast(RUN, indexed, SEEDCAST_METRICS_PORT=str(port))
            eventually(lambda port=port: is_active(port), what="an active indexer")
            time.sleep(chance.uniform(0.0, 2.0))  # the moment is the draw
            indexer.kill()
            assert indexer.wait(30) == -signal.SIGKILL
            end_memberships(indexed)
        seedcast(RUN, indexed)
        loading.join()
    index = opened(indexed)
    until_completed(indexed, index, "night")
    assert_as_audited(indexed, index, "night", ROWS)


def test_of_two_indexers_one_works_and_the_other_takes_over(
    indexed: Settings, seedcast: Spawn
) -> None:
    kafka = indexed.kafka.model_copy(update={"session_timeout": 3.0})
    settings = indexed.model_copy(update={"kafka": kafka})
    requests = stage_list(settings, "night", ROWS)
    ports = processes.free_ports(0, 0)
    both = [seedcast(RUN, settings, SEEDCAST_METRICS_PORT=str(port)) for port in ports]
    index = opened(settings)
    with load(settings, requests) as loading:
        eventually(lambda: sum(counts(index.campaign("night"))) > ROWS // 4, what="a quarter")
        active = both[0] if is_active(ports[0]) else both[1]
        active.kill()
        loading.join()
    until_completed(settings, index, "night")
    assert_as_audited(settings, index, "night", ROWS)


def is_active(port: int) -> bool:
    if missing(port) is None:  # it has no page yet
        return False
    with urlopen(f"http://{HOST}:{port}/metrics") as page:
        return b"seedcast_indexer_active 1.0" in page.read()


def started(settings: Settings, seedcast: Spawn) -> tuple[ForkedProcess, int]:
    [port] = processes.free_ports(0)
    indexer = seedcast(RUN, settings, SEEDCAST_METRICS_PORT=str(port))
    eventually(lambda: missing(port) == [], what="a ready indexer")
    return indexer, port


def test_a_database_that_is_restarted_costs_time_and_nothing_else(
    settings: Settings, seedcast: Spawn, postgres: PostgresServer
) -> None:
    settings = settings.model_copy(update={"index": postgres.new_database()})
    requests = stage_list(settings, "night", 400)
    indexer, port = started(settings, seedcast)
    end(settings, requests[:200])
    with opened(settings) as index:
        eventually(lambda: sum(counts(index.campaign("night"))) == 200, what="the first half")
    postgres.stop()
    try:
        end(settings, requests[200:])
        eventually(lambda: missing(port) == ["index"], what="the indexer to say what is away")
        assert indexer.poll() is None
    finally:
        postgres.start()
    index = opened(settings)
    until_completed(settings, index, "night")
    assert missing(port) == []
    assert_as_audited(settings, index, "night", 400)


def test_connections_that_are_cut_under_load_count_nothing_twice(
    settings: Settings, seedcast: Spawn, postgres: PostgresServer, chance: random.Random
) -> None:
    direct = postgres.new_database()
    proxy = Proxy(postgres.port)
    url = direct.url.replace(f":{postgres.port}/", f":{proxy.port}/")
    behind = settings.model_copy(update={"index": direct.model_copy(update={"url": url})})
    requests = stage_list(settings, "night", ROWS)
    indexer, _ = started(behind, seedcast)
    with load(settings, requests) as loading:
        while loading.is_alive():
            loading.join(chance.uniform(0.2, 2.0))
            fault = chance.choice([Fault(cut=True), Fault(answers_lost=True)])
            proxy.fail(fault)
            loading.join(0.5)
            proxy.heal()
    index = opened(settings.model_copy(update={"index": direct}))
    until_completed(settings, index, "night")
    assert_as_audited(settings, index, "night", ROWS)
    assert indexer.poll() is None
    proxy.close()


def test_a_store_that_is_away_when_a_list_ends_delays_its_completion_alone(
    settings: Settings, seedcast: Spawn
) -> None:
    proxy = Proxy(int(settings.s3.endpoint.rpartition(":")[2]))
    s3 = settings.s3.model_copy(update={"endpoint": f"http://{HOST}:{proxy.port}"})
    requests = stage_list(settings, "night", 40)
    indexer, _ = started(settings.model_copy(update={"s3": s3}), seedcast)
    index = opened(settings)
    eventually(lambda: is_loaded(index, "night"), what="its list")
    proxy.fail(Fault(cut=True))
    end(settings, requests)
    later = stage_list(settings, "day", 4)
    end(settings, later)
    eventually(lambda: sum(counts(index.campaign("night"))) == 40, what="all results")
    eventually(lambda: index.request(later[0].request_id, "day"), what="those of another list")
    assert not is_loaded(index, "day")
    proxy.heal()
    for name in ("night", "day"):
        until_completed(settings, index, name)
    assert indexer.poll() is None
    proxy.close()


def is_loaded(index: Index, name: str) -> bool:
    campaign = index.campaign(name)
    return campaign is not None and campaign.list_state == "loaded"
