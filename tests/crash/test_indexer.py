"""Indexers that are killed or stopped under load, and a store that is away."""

import random
import signal
import time

import pytest

from seedcast.embedded import processes
from seedcast.embedded.stack_state import HOST
from seedcast.settings import IndexSettings, Settings
from seedcast.storage.index.reader import Index
from tests.builders.deployments import Spawn, with_short_session
from tests.builders.indexing import (
    RUN,
    counts,
    end,
    end_memberships,
    opened,
    stage_list,
    until_completed,
)
from tests.builders.waiting import eventually
from tests.crash.indexers import assert_as_audited, is_active, load, retries, started
from tests.crash.proxy import Fault, Proxy

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KILLS = 20
STOPS = 3
ROWS = 12_000


@pytest.fixture
def indexed(settings: Settings, index_settings: IndexSettings) -> Settings:
    return settings.model_copy(update={"index": index_settings})


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


def test_an_indexer_stopped_at_any_moment_and_continued_counts_nothing_twice(
    indexed: Settings, seedcast: Spawn, chance: random.Random
) -> None:
    # What a stopped one holds is let go before the test ends; its watchdog counts the stop, too.
    brief = {"statement_timeout": 3.0, "lock_timeout": 1.0, "watchdog": 3600.0}
    index_settings = indexed.index.model_copy(update=brief)
    settings = with_short_session(indexed).model_copy(update={"index": index_settings})
    requests = stage_list(settings, "night", ROWS)
    both = [started(settings, seedcast) for _ in range(2)]
    with load(settings, requests) as loading:
        for _ in range(STOPS):
            eventually(lambda: any(is_active(port) for _, port in both), what="an active one")
            both.sort(key=lambda each: not is_active(each[1]))
            (active, _), (_, peer) = both
            before = retries(peer)
            time.sleep(chance.uniform(0.0, 1.0))  # the moment is the draw
            active.send_signal(signal.SIGSTOP)
            # In a file, what was stopped within a transaction keeps the peer out.
            eventually(lambda: took_turn(peer, before), what="the peer's turn")  # noqa: B023
            active.send_signal(signal.SIGCONT)
        loading.join()
    index = opened(settings)
    until_completed(settings, index, "night")
    assert_as_audited(settings, index, "night", ROWS)
    assert [indexer.poll() for indexer, _ in both] == [None, None]


def took_turn(port: int, retries_before: int) -> bool:
    return is_active(port) or retries(port) > retries_before


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
