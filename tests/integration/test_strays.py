"""Strays under a campaign's name, on a real Kafka and a real S3: they are named, and never counted.

Two strays once completed a campaign of two: both of its own requests stayed unspoken, it could not
be cancelled, and subscriptions to it ended.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from seedcast.campaigns.campaign_topic import announce, read_campaigns
from seedcast.campaigns.progress import Progress
from seedcast.campaigns.subscription import subscribe
from seedcast.campaigns.waiting import wait
from seedcast.codec import encode_json
from seedcast.kafka import GroupOffsets
from seedcast.kafka.partitioner import key
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import Campaign, SpeechRequest, SpeechResult
from seedcast.schemas.topics import REQUESTS, RESULTS
from seedcast.settings import Settings
from seedcast.storage.campaign_rows import rows_of
from seedcast.storage.list_ids import ids_reader
from tests.builders.deployments import rows, run
from tests.builders.requests import a_request
from tests.builders.topics import producer, send
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

NIGHT = "night"
STRAYS = ("stray-000001", "stray-000002")


def stage(settings: Settings) -> list[str]:
    """Submit a list of two; return its request ids."""
    listed = [{"text": "Hello.", "voice": 1}, {"text": "Good night.", "voice": 2}]
    submit_requests(settings, listed, SubmitOptions(campaign=NIGHT))
    return [row.request_id for row in rows_of(settings, read_campaigns(settings)[NIGHT])]


def end(settings: Settings, *request_ids: str) -> None:
    results = [
        SpeechResult(request_id=name, campaign_id=NIGHT, status="succeeded") for name in request_ids
    ]
    send(settings, RESULTS, [(each.request_id.encode(), encode_json(each)) for each in results])


def listed(settings: Settings) -> dict[str, Any]:
    (row,) = rows(run(settings, "campaigns", "--json"))
    return row


def without_a_list(settings: Settings, state: str) -> list[SpeechRequest]:
    """Write a campaign of two as an older version does, and its requests."""
    requests = [a_request(request_id=f"request-{n:04d}", campaign_id=NIGHT) for n in range(2)]
    send(settings, REQUESTS, [(key(each.voice_seed), encode_json(each)) for each in requests])
    record = Campaign(
        campaign_id=NIGHT,
        state=state,  # type: ignore[arg-type]
        created_at=datetime.now(UTC),
        accepted=2,
    )
    announce(producer(settings), settings, record)
    return requests


def committed(settings: Settings, group: str) -> int:
    return sum(lag.committed or 0 for lag in GroupOffsets(settings).lag(settings.group(group)))


def drain(results: Iterable[SpeechResult]) -> set[str]:
    return {result.request_id for result in results}


def test_two_strays_do_not_complete_a_campaign_of_two(settings: Settings) -> None:
    first, second = stage(settings)
    end(settings, *STRAYS)
    row = listed(settings)
    assert (row["state"], row["succeeded"], row["strays"]) == ("sealed", 0, 2)
    assert set(row["stray_ids"]) == set(STRAYS)
    shown = run(settings, "campaigns")
    assert "2 results are not of its list" in shown.stderr
    assert STRAYS[0] in shown.stderr

    read_ids, seen = ids_reader(settings.s3), list[Progress]()
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(wait, settings, NIGHT, read_ids, seen.append)
        reads = pool.submit(drain, subscribe(settings, "crm", read_ids, NIGHT))
        eventually(lambda: seen and seen[-1].strays == 2, what="both strays told apart")
        eventually(lambda: committed(settings, "crm:night") == 2, what="both strays handed out")
        end(settings, first)
        eventually(lambda: seen[-1].succeeded == 1, what="the first result")
        eventually(lambda: committed(settings, "crm:night") == 3, what="the first result read")
        assert not waits.done()
        assert not reads.done()
        end(settings, second)
        done = waits.result(180)
        assert reads.result(180) == {first, second, *STRAYS}
    assert (done.succeeded, done.accepted, done.strays, done.complete) == (2, 2, 2, True)
    row = listed(settings)
    assert (row["state"], row["succeeded"], row["strays"]) == ("completed", 2, 2)


def test_a_campaign_without_strays_ends_for_who_may_not_read_its_list(settings: Settings) -> None:
    end(settings, *stage(settings))

    def refused(_: Campaign) -> Iterable[str]:
        raise AssertionError("it needs no list")

    assert len(drain(subscribe(settings, "crm", refused, NIGHT))) == 2
    assert wait(settings, NIGHT, refused).complete


def test_a_campaign_with_strays_can_be_cancelled(settings: Settings) -> None:
    stage(settings)
    end(settings, *STRAYS)
    done = run(settings, "cancel", NIGHT)
    assert (done.returncode, read_campaigns(settings)[NIGHT].state) == (0, "cancelled"), done.stderr


def test_a_count_of_an_older_version_does_not_complete_a_list(settings: Settings) -> None:
    first, second = stage(settings)
    end(settings, *STRAYS)
    known = read_campaigns(settings)[NIGHT]
    older = Campaign(
        campaign_id=NIGHT, state="completed", created_at=known.created_at, accepted=known.accepted
    )
    announce(producer(settings), settings, older)
    assert read_campaigns(settings)[NIGHT] == known
    end(settings, first, second)
    assert wait(settings, NIGHT, ids_reader(settings.s3)).complete
    assert read_campaigns(settings)[NIGHT] == known


def test_a_campaign_that_a_count_completed_can_be_cancelled_while_a_request_is_open(
    settings: Settings,
) -> None:
    without_a_list(settings, "completed")
    end(settings, *STRAYS)
    done = run(settings, "cancel", NIGHT)
    assert (done.returncode, "was completed" in done.stdout) == (0, True), done.stderr
    assert read_campaigns(settings)[NIGHT].state == "cancelled"


def test_a_completed_campaign_whose_requests_all_ended_is_not_cancelled(
    settings: Settings,
) -> None:
    end(settings, *(request.request_id for request in without_a_list(settings, "completed")))
    done = run(settings, "cancel", NIGHT)
    assert (done.returncode, "every request has its outcome" in done.stderr) == (2, True)
    assert read_campaigns(settings)[NIGHT].state == "completed"


def test_a_list_that_cannot_be_read_costs_no_listing_of_campaigns(settings: Settings) -> None:
    stage(settings)
    end(settings, *STRAYS)
    gone = run(settings, "campaigns", "--json", SEEDCAST_S3_BUCKET="nowhere")
    (row,) = rows(gone)
    assert (row["succeeded"], row["certain"]) == (2, False)
    assert "strays may be counted in night" in gone.stderr
