"""PostgreSQL away, frozen, full, locked or failed over, under an indexer at work."""

import random
from pathlib import Path

import pytest

from seedcast.kafka import GroupOffsets
from seedcast.schemas.topics import INDEXERS, RESULTS
from seedcast.settings import Settings
from tests.builders.deployments import Spawn
from tests.builders.indexing import counts, end, opened, stage_list, until_completed
from tests.builders.postgres_server import PostgresServer, postgres_server
from tests.builders.topics import delete, lag
from tests.builders.waiting import eventually, missing
from tests.crash.indexers import assert_as_audited, load, retries, started
from tests.crash.proxy import Fault, Proxy

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROWS = 12_000
MORE = 4_000  # rows of a list that needs room in the database: the pages of a loaded one have some
# Seconds. Less than what the tests' outages last, and enough for any statement of theirs.
SHORT = {"connect_timeout": 2, "lock_timeout": 1.0, "statement_timeout": 5.0, "watchdog": 10.0}
TRIES = 5  # of an indexer whose database is away: each takes it two seconds, at least


@pytest.fixture
def indexed(settings: Settings, postgres: PostgresServer) -> Settings:
    return with_index(settings, postgres)


def with_index(settings: Settings, postgres: PostgresServer) -> Settings:
    index = postgres.new_database().model_copy(update=SHORT)
    return settings.model_copy(update={"index": index})


def committed(settings: Settings) -> int:
    """Return the offset that the indexers' group has committed, of all partitions together."""
    bounds = GroupOffsets(settings).bounds([settings.topic(RESULTS)])
    return sum(end for _, end in bounds.values()) - lag(settings, INDEXERS.name)


def database(settings: Settings) -> str:
    return settings.index.url.rpartition("/")[2]


@pytest.mark.parametrize("outage", ["frozen", "locked", "full_disk"])
def test_an_outage_under_load_is_said_and_costs_time_and_nothing_else(
    indexed: Settings, seedcast: Spawn, postgres: PostgresServer, outage: str
) -> None:
    requests = stage_list(indexed, "night", ROWS)
    indexer, port = started(indexed, seedcast)
    outages = {
        "frozen": postgres.frozen,
        "locked": lambda: postgres.locked("requests", database(indexed)),
        "full_disk": postgres.full_disk,
    }
    with opened(indexed) as index, load(indexed, requests) as loading:
        eventually(lambda: sum(counts(index.campaign("night"))) > ROWS // 8, what="an eighth")
        with outages[outage]():
            end(indexed, stage_list(indexed, "day", MORE))
            eventually(lambda: missing(port) == ["index"], what="the indexer to say what is away")
            # Longer than its watchdog would wait for progress.
            eventually(lambda: retries(port) >= TRIES, what="further tries")
        assert indexer.poll() is None
        eventually(lambda: missing(port) == [], what="a ready indexer")
        loading.join()
    with opened(indexed) as index:
        for name, rows in (("night", ROWS), ("day", MORE)):
            until_completed(indexed, index, name)
            assert_as_audited(indexed, index, name, rows)
    assert indexer.poll() is None


def test_an_older_standby_that_takes_over_is_brought_up_to_date(
    settings: Settings, seedcast: Spawn
) -> None:
    with postgres_server() as postgres:
        settings = with_index(settings, postgres)
        requests = stage_list(settings, "night", ROWS)
        indexer, _ = started(settings, seedcast)
        with load(settings, requests) as loading:
            with opened(settings) as index:
                eventually(lambda: sum(counts(index.campaign("night"))) > ROWS // 8, what="a start")
                postgres.back_up("standby")
                position = sum(index.next_offsets().values())
                later = stage_list(settings, "day", 40)  # the standby knows nothing of it
                end(settings, later)
                until_completed(settings, index, "day")
            eventually(lambda: committed(settings) > position, what="a commit ahead of the standby")
            postgres.fail_over("standby")
            loading.join()
        with opened(settings) as index:
            for name, rows in (("night", ROWS), ("day", 40)):
                until_completed(settings, index, name)
                assert_as_audited(settings, index, name, rows)
        assert indexer.poll() is None


def test_an_older_standby_whose_next_results_are_deleted_is_a_gap_that_ends_the_indexer(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    with postgres_server() as postgres:
        settings = with_index(settings, postgres)
        requests = stage_list(settings, "night", 40)
        indexer, _ = started(settings, seedcast)
        with opened(settings) as index:
            end(settings, requests[:20])
            eventually(lambda: sum(counts(index.campaign("night"))) == 20, what="the first half")
            postgres.back_up("standby")
            end(settings, requests[20:])
            until_completed(settings, index, "night")
        delete(settings, RESULTS)
        postgres.fail_over("standby")
        assert indexer.wait(120) == 3
    log = "".join(file.read_text() for file in tmp_path.glob("process-*.log"))
    assert "were deleted before they came into the results index" in log
    assert "seedcast index rebuild" in log


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
