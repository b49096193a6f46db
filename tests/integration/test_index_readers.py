"""Readers whose PostgreSQL does not answer read the topics instead, soon, and say so."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest
from structlog.testing import capture_logs

from seedcast.campaigns.waiting import wait
from seedcast.settings import Settings
from seedcast.storage.index.reader import open_index
from seedcast.storage.list_ids import ids_reader
from tests.builders.deployments import rows, run
from tests.builders.indexed_topics import fill_index
from tests.builders.indexing import end, ended, publish, stage_list
from tests.builders.postgres_server import PostgresServer

pytestmark = pytest.mark.integration

COMMANDS = (("campaigns",), ("where", "night", "night-1"), ("results", "--campaign", "night"))
SHORT = {"connect_timeout": 2, "read_timeout": 1.0, "lock_timeout": 0.5}  # seconds
Outage = Callable[[PostgresServer, str], AbstractContextManager[None]]


@pytest.fixture
def behind(settings: Settings, postgres: PostgresServer) -> Settings:
    """Settings of an index that nobody waits for long."""
    index = postgres.new_database().model_copy(update=SHORT)
    return settings.model_copy(update={"index": index})


def frozen(postgres: PostgresServer, _: str) -> AbstractContextManager[None]:
    return postgres.frozen()


def locked(postgres: PostgresServer, database: str) -> AbstractContextManager[None]:
    return postgres.locked("requests", database)


@pytest.mark.parametrize("outage", [frozen, locked])
def test_commands_say_that_the_topics_are_read_and_tell_the_same(
    behind: Settings, postgres: PostgresServer, outage: Outage
) -> None:
    end(behind, stage_list(behind, "night", 2))
    fill_index(behind)
    with ThreadPoolExecutor() as pool:

        def answers(said: int) -> list[object]:
            asked = list(pool.map(lambda words: run(behind, *words, "--json"), COMMANDS))
            for done in asked:
                assert done.stderr.count("the topics are read instead") == said, done.stderr
            return [sorted(map(told, rows(done)), key=str) for done in asked]

        known = answers(0)
        with outage(postgres, behind.index.url.rpartition("/")[2]):
            assert answers(1) == known


def told(row: dict[str, object]) -> dict[str, object]:
    """Without what depends on the moment, and on the order of the topic's partitions."""
    return {name: row[name] for name in ("campaign_id", "request_id", "state") if name in row}


def test_who_waits_for_a_campaign_waits_on_by_the_topic(
    behind: Settings, postgres: PostgresServer
) -> None:
    requests = stage_list(behind, "night", 2)
    end(behind, requests[:1])
    fill_index(behind)
    index = open_index(behind)
    assert index
    with index, capture_logs() as logs, ThreadPoolExecutor() as pool, postgres.frozen():
        publish(behind, [ended(requests[1])])
        waiting = pool.submit(wait, behind, "night", ids_reader(behind.s3), index=index)
        progress = waiting.result(timeout=60)
    assert progress.complete
    assert progress.succeeded == 2
    assert [log["next"] for log in logs if log["event"] == "index_left"] == [
        "reads the results topic"
    ]
