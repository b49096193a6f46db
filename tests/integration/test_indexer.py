"""Indexers on a real Kafka, a real S3 and real databases: what they write, and when they die."""

import hashlib
import io
import json
import signal
from collections import Counter
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from seedcast.campaigns.campaign_topic import announce, read_campaigns
from seedcast.campaigns.subscription import subscribe
from seedcast.campaigns.waiting import wait
from seedcast.schemas.messages import Campaign, CampaignState, Outputs
from seedcast.schemas.topics import RESULTS
from seedcast.settings import IndexSettings, Settings
from seedcast.storage.index.indexed import IndexedRequest
from seedcast.storage.index.reader import Index
from seedcast.storage.index.rebuild import clear
from seedcast.storage.list_outputs import output_key
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import Spawn, rows, run, with_short_session
from tests.builders.indexing import (
    RUN,
    counts,
    end,
    end_memberships,
    ended,
    objects,
    opened,
    publish,
    stage_list,
    until_completed,
)
from tests.builders.requests import numbered
from tests.builders.topics import delete, lag, producer
from tests.builders.waiting import eventually, terminate, wait_until_stopped

pytestmark = pytest.mark.integration

AT = "SEEDCAST_FAILPOINT"
# The watchdog of a stopped indexer counts the time of the stop, too.
PATIENT = {"SEEDCAST_INDEX_WATCHDOG": "3600"}
ROWS = 40


def no_list(_: Campaign) -> Iterator[str]:
    raise AssertionError("the index knows it")


def dump(index: Index, name: str) -> tuple[tuple[int, ...], list[IndexedRequest]]:
    return counts(index.campaign(name)), [*index.rows(name), *index.strays(name)]


def assert_outputs(settings: Settings, campaign: Campaign) -> dict[str, bytes]:
    """The record names what is stored."""
    stored, outputs = objects(settings, campaign.campaign_id), campaign.outputs
    assert isinstance(outputs, Outputs)
    named = (outputs.results, outputs.errors, outputs.summary)
    assert {each.name: (each.bytes, each.sha256) for each in named} == {
        name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in stored.items()
    }
    return stored


@pytest.mark.sample(1)
def test_a_list_of_every_outcome_is_completed_by_its_ids_and_written_down(
    settings: Settings, seedcast: Spawn, index_settings: IndexSettings
) -> None:
    settings = settings.model_copy(update={"index": index_settings})
    requests = stage_list(settings, "night", ROWS)
    strays = [numbered(n, campaign_id="night") for n in (901, 902)]
    unknown = numbered(903, campaign_id="nobody")
    indexer = seedcast(RUN, settings)
    index = opened(settings)
    publish(settings, [ended(each) for each in (*strays, unknown)])
    results = end(settings, requests[:-2])
    repeats = [ended(request, "failed") for request in requests[:-2]]
    publish(settings, repeats)  # as many results as there are rows, and more
    expected = Counter(result.status for result in results)
    known = (*(expected[s] for s in ("succeeded", "failed", "expired", "cancelled")), 2)
    eventually(lambda: counts(index.campaign("night")) == known, what="all but two results")
    eventually(lambda: index.request(unknown.request_id), what="a result of an unknown campaign")
    assert read_campaigns(settings)["night"].state == "sealed"

    publish(settings, [ended(request) for request in requests[-2:]])
    record = until_completed(settings, index, "night")
    assert record == read_campaigns(settings)["night"]
    assert record.state == "completed"
    assert counts(index.campaign("night")) == (known[0] + 2, *known[1:])
    stored = assert_outputs(settings, record)

    assert wait(settings, "night", no_list, index=index).strays == 2
    with subscribe(settings, "crm", no_list, "night", index) as subscription:
        assert len({result.request_id for result in subscription}) == ROWS + 2

    table = pq.read_table(io.BytesIO(stored["results.parquet"])).to_pylist()
    spoken = [row for row in table if row["status"] == "succeeded"]
    assert [row["row"] for row in table] == sorted(row["row"] for row in table)
    assert {row["request_id"] for row in table} == {each.request_id for each in requests}
    assert {row["id"] for row in table} == {each.metadata["id"] for each in requests}
    assert Counter(row["profile"] for row in spoken) == dict.fromkeys(
        ("phone", "telephony"), known[0] + 2
    )
    assert len(table) == ROWS + known[0] + 2
    errors = [json.loads(line) for line in stored["errors.jsonl"].splitlines()]
    assert len(errors) == sum(known[1:4])
    assert {each["error"]["message"] for each in errors} == {"told to"}
    summary = json.loads(stored["summary.json"])
    assert (summary["requests"], summary["succeeded"]) == (ROWS, known[0] + 2)
    assert b"message number" not in b"".join(stored.values()), "no text is in it"

    eventually(lambda: lag(settings, "indexers") == 0, what="the group to know it")
    S3Store(settings.s3).delete(S3Store(settings.s3).uri(output_key("night", "results.parquet")))
    assert terminate(indexer) == 0
    seedcast(RUN, settings)
    eventually(lambda: objects(settings, "night") == stored, what="the same object again")
    assert read_campaigns(settings)["night"] == record


@pytest.mark.sample(1)
@pytest.mark.parametrize("state", ["cancelled", "completed"])
def test_a_list_that_is_cancelled_or_completed_already_is_written_down_when_it_ends(
    settings: Settings, seedcast: Spawn, state: CampaignState
) -> None:
    requests = stage_list(settings, "night", 4)
    before = replace(read_campaigns(settings)["night"], state=state)
    announce(producer(settings), settings, before)
    seedcast(RUN, settings)
    index = opened(settings)
    end(settings, requests)
    record = until_completed(settings, index, "night")
    assert record == replace(before, outputs=record.outputs)
    assert_outputs(settings, record)


@pytest.mark.parametrize(
    "edge",
    [
        "indexer.stored:1",
        "indexer.outputs:1",
        pytest.param("indexer.loaded:1", marks=pytest.mark.slow),
        pytest.param("indexer.read:1", marks=pytest.mark.slow),
        pytest.param("indexer.output:2", marks=pytest.mark.slow),
        pytest.param("indexer.completed:1", marks=pytest.mark.slow),
    ],
)
def test_an_indexer_killed_at_an_edge_loses_nothing_and_counts_nothing_twice(
    settings: Settings, seedcast: Spawn, edge: str
) -> None:
    end(settings, stage_list(settings, "night", ROWS))
    killed = seedcast(RUN, settings, **{AT: edge})
    assert killed.wait(120) == -signal.SIGKILL
    end_memberships(settings)
    seedcast(RUN, settings)
    index = opened(settings)
    record = until_completed(settings, index, "night")
    assert counts(index.campaign("night")) == (*[ROWS // 4] * 4, 0)
    assert_outputs(settings, record)


@pytest.mark.sample(1)
def test_an_indexer_stopped_beyond_its_session_counts_nothing_and_stands_by(
    settings: Settings, seedcast: Spawn, index_settings: IndexSettings
) -> None:
    settings = with_short_session(settings.model_copy(update={"index": index_settings}))
    requests = stage_list(settings, "night", ROWS)
    end(settings, requests[:-1])
    zombie = seedcast(RUN, settings, **{AT: "indexer.read:1:stop"}, **PATIENT)
    wait_until_stopped(zombie)
    end_memberships(settings)
    peer = seedcast(RUN, settings)
    index = opened(settings)
    expected = (*[ROWS // 4] * 3, ROWS // 4 - 1, 0)
    eventually(lambda: counts(index.campaign("night")) == expected, what="the peer's counts")
    zombie.send_signal(signal.SIGCONT)
    end(settings, requests[-1:])
    until_completed(settings, index, "night")
    assert counts(index.campaign("night")) == (ROWS // 4 + 1, *expected[1:])
    assert [terminate(process) for process in (zombie, peer)] == [0, 0]


def test_an_index_that_is_made_anew_is_equal(settings: Settings, seedcast: Spawn) -> None:
    settings = with_short_session(settings)
    end(settings, stage_list(settings, "night", ROWS))
    end(settings, stage_list(settings, "day", ROWS)[:5])
    publish(settings, [ended(numbered(901, campaign_id="night"))])
    indexer = seedcast(RUN, settings)
    index = opened(settings)
    until_completed(settings, index, "night")
    eventually(lambda: counts(index.campaign("night"))[-1] == 1, what="the stray")
    eventually(lambda: sum(counts(index.campaign("day"))) == 5, what="the results of the day")
    before = {name: dump(index, name) for name in ("night", "day")}
    clear(settings.index)

    def is_equal() -> bool:
        known = [index.campaign(name) for name in before]
        return None not in known and {name: dump(index, name) for name in before} == before

    eventually(is_equal, what="the index as it was")
    assert indexer.poll() is None


def test_an_indexer_whose_topic_was_deleted_unread_goes_on_when_told_to(
    settings: Settings, seedcast: Spawn
) -> None:
    requests = stage_list(settings, "night", 3)
    day = stage_list(settings, "day", 1)
    indexer = seedcast(RUN, settings)
    index = opened(settings)
    publish(settings, [ended(requests[0])])
    eventually(lambda: counts(index.campaign("night")) == (1, 0, 0, 0, 0), what="a result")
    assert terminate(indexer) == 0
    publish(settings, [ended(each) for each in (requests[1], *day)])
    delete(settings, RESULTS)
    assert seedcast(RUN, settings).wait(120) == 3

    (moved,) = rows(run(settings, "index", "reposition", "--yes", "--json"))
    assert sum(moved["lost"].values()) == 2
    seedcast(RUN, settings)
    publish(settings, [ended(each) for each in (requests[2], *day)])  # submitted anew, say
    until_completed(settings, index, "day")
    eventually(lambda: counts(index.campaign("night")) == (2, 0, 0, 0, 0), what="what came since")
    assert [each.row for each in index.rows("night", statuses={None})] == [2]
