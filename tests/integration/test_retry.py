"""Retrying on a real Kafka: only failed and expired requests are submitted again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seedcast.campaigns.campaign_topic import announce, read_campaigns
from seedcast.campaigns.requests import read_requests
from seedcast.campaigns.waiting import wait
from seedcast.codec import encode_json
from seedcast.errors import InvalidInput
from seedcast.producers.rows.request_ids import request_id
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.retry import RetryOptions, RetryReport, retry
from seedcast.producers.staging.submit import submit_file, submit_requests
from seedcast.schemas.messages import (
    Campaign,
    ErrorCode,
    RequestError,
    SpeechRequest,
    SpeechResult,
    Status,
)
from seedcast.schemas.topics import REQUESTS, RESULTS
from seedcast.settings import Settings
from seedcast.storage.campaign_rows import rows_of
from seedcast.storage.list_ids import ids_reader
from seedcast.storage.staged_lists import StagedRow
from tests.builders.deployments import Spawn, run
from tests.builders.feeding import feed
from tests.builders.requests import a_request
from tests.builders.topics import delete, producer, send

pytestmark = pytest.mark.integration

AGAIN = RetryOptions(campaign="night")
OPTIONS = SubmitOptions(campaign="night", id_column="id", voice=7, profiles=("telephony",))
SOON = timedelta(hours=1)


def rows(count: int) -> list[dict[str, str]]:
    return [
        {"id": f"n-{number}", "text": f"Message {number}.", "metadata.colour": "red"}
        for number in range(count)
    ]


def night(settings: Settings, count: int) -> list[SpeechRequest]:
    """Submit `count` requests; return them in the order of their rows. Nothing feeds them."""
    options = replace(OPTIONS, deadline=datetime.now(UTC) + SOON, deliver_late=True)
    submit_requests(settings, rows(count), options)
    return in_order(settings, "night")


def in_order(settings: Settings, campaign: str) -> list[SpeechRequest]:
    return [row.request for row in staged_rows(settings, campaign)]


def staged_rows(settings: Settings, campaign: str) -> list[StagedRow]:
    return list(rows_of(settings, read_campaigns(settings)[campaign]))


def result_of(
    request: SpeechRequest, status: Status = "failed", code: ErrorCode = "engine_error"
) -> tuple[bytes, bytes]:
    """Return the key and the value of a result's record."""
    error = None if status == "succeeded" else RequestError(code=code, message="no")
    result = SpeechResult(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        status=status,
        error=error,
        metadata=request.metadata,
    )
    return request.request_id.encode(), encode_json(result)


def end(
    settings: Settings,
    request: SpeechRequest,
    status: Status = "failed",
    code: ErrorCode = "engine_error",
) -> None:
    send(settings, RESULTS, [result_of(request, status, code)])


def ids(settings: Settings, campaign: str) -> list[str]:
    return [request.metadata["id"] for request in in_order(settings, campaign)]


def accepted(report: RetryReport) -> tuple[int, int]:
    """Return how many requests were submitted now, and how many the campaign has."""
    assert report.submitted is not None
    return 0 if report.submitted.before else report.submitted.accepted, report.submitted.accepted


def test_failed_and_expired_requests_are_submitted_again_and_no_others(settings: Settings) -> None:
    failed, expired, cancelled, succeeded, failed_later, _ = requests = night(settings, 6)
    end(settings, failed)
    end(settings, expired, "expired", "expired")
    end(settings, cancelled, "cancelled", "cancelled")
    for request in (succeeded, failed_later):
        end(settings, request, "succeeded")
    end(settings, failed_later)  # the first result counts
    report = retry(settings, AGAIN)
    assert (report.campaign_id, report.retry_of, dict(report.asked), report.missing) == (
        "night-retry-1",
        "night",
        {"engine_error": 1, "expired": 1},
        0,
    )
    assert accepted(report) == (2, 2)
    again = in_order(settings, "night-retry-1")
    assert [request.metadata for request in again] == [request.metadata for request in requests[:2]]
    assert [request.request_id for request in again] == [
        request_id("night-retry-1", f"n-{number}") for number in range(2)
    ]
    assert [
        (request.text, request.voice_seed, request.profiles, request.deadline) for request in again
    ] == [(f"Message {number}.", 7, ("telephony",), None) for number in range(2)]
    record = read_campaigns(settings)["night-retry-1"]
    assert (record.state, record.accepted, record.retry_of) == ("sealed", 2, "night")
    assert record.deliver_late, "as the campaign that is submitted again"


def test_a_repeated_retry_sends_nothing_twice_and_keeps_its_deadline(
    settings: Settings,
) -> None:
    for request in night(settings, 3):
        end(settings, request)
    options = replace(AGAIN, name="second-try", deadline="2h")
    report = retry(settings, options)
    assert accepted(report) == (3, 3)
    deadlines = {request.deadline for request in in_order(settings, "second-try")}
    assert deadlines == {report.deadline} == {read_campaigns(settings)["second-try"].deadline}
    again = retry(settings, options)
    assert accepted(again) == (0, 3)
    assert again.deadline == report.deadline
    assert len(in_order(settings, "second-try")) == 3


def test_an_interrupted_retry_is_run_again(settings: Settings) -> None:
    send(settings, RESULTS, list(map(result_of, night(settings, 5000))))

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retry(settings, AGAIN, interrupt)
    assert set(read_campaigns(settings)) == {"night"}, "nothing of it is visible"
    report = retry(settings, AGAIN)
    assert (report.campaign_id, accepted(report)) == ("night-retry-1", (5000, 5000))


def test_the_next_retry_leaves_out_requests_that_an_earlier_one_has_spoken_or_under_way(
    settings: Settings,
) -> None:
    for request in night(settings, 4)[:3]:
        end(settings, request)
    retry(settings, AGAIN)
    spoken, failed, _ = in_order(settings, "night-retry-1")
    end(settings, spoken, "succeeded")
    end(settings, failed)
    late = in_order(settings, "night")[3]
    end(settings, late, "expired", "expired")
    report = retry(settings, AGAIN)
    assert (report.campaign_id, report.spoken, report.under_way, accepted(report)) == (
        "night-retry-2",
        1,
        1,
        (2, 2),
    )
    assert ids(settings, "night-retry-2") == ["n-1", "n-3"]


def by_rows(settings: Settings) -> SpeechRequest:
    return night(settings, 1)[0]


def by_caller(settings: Settings) -> SpeechRequest:
    submit_requests(
        settings,
        [a_request(request_id="my-own-id", text="Hello.", metadata={"id": "n-1"})],
        SubmitOptions(campaign="night"),
    )
    return in_order(settings, "night")[0]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("submitted", "second", "third"),
    [
        (by_rows, "night-retry-1", "night"),
        (by_rows, "night", "night-retry-1"),
        (by_caller, "night-retry-1", "night-retry-1"),
        (by_caller, "night", "night-retry-1"),
    ],
)
def test_a_retry_leaves_out_requests_that_any_retry_of_the_family_has_spoken(
    settings: Settings, submitted: Callable[[Settings], SpeechRequest], second: str, third: str
) -> None:
    end(settings, submitted(settings))
    retry(settings, AGAIN)
    (failed,) = in_order(settings, "night-retry-1")
    end(settings, failed)
    spoken = retry(settings, RetryOptions(campaign=second)).campaign_id
    (request,) = in_order(settings, spoken)
    under_way = retry(settings, RetryOptions(campaign=third))
    end(settings, request, "succeeded")
    done = retry(settings, RetryOptions(campaign=third))
    assert (under_way.under_way, under_way.submitted, done.spoken, done.submitted) == (
        1,
        None,
        1,
        None,
    )


def test_nothing_to_retry_opens_no_campaign(settings: Settings) -> None:
    (request,) = night(settings, 1)
    assert retry(settings, AGAIN).submitted is None
    end(settings, request, "succeeded")
    assert retry(settings, AGAIN).submitted is None
    assert set(read_campaigns(settings)) == {"night"}


def test_a_campaign_is_retried_months_later_with_its_rows_own_columns(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "id,text,branch\n" + "".join(f"n-{n},Message {n}.,Lyon {n}\n" for n in range(4))
    )
    submit_file(settings, file, OPTIONS)
    feed(settings)
    for request in in_order(settings, "night")[:2]:
        end(settings, request)
    delete(settings, REQUESTS)
    file.unlink()
    assert accepted(retry(settings, AGAIN)) == (2, 2)
    again = staged_rows(settings, "night-retry-1")
    assert [row.request.metadata["id"] for row in again] == ["n-0", "n-1"]
    assert [json.loads(row.source or b"")["branch"] for row in again] == ["Lyon 0", "Lyon 1"]
    feed(settings)
    assert {request.request_id for request in read_requests(settings, "night-retry-1")} == {
        row.request_id for row in again
    }


def test_a_retry_of_a_retry_has_the_columns_of_the_first_list(settings: Settings) -> None:
    for request in night(settings, 2):
        end(settings, request)
    retry(settings, AGAIN)
    end(settings, in_order(settings, "night-retry-1")[1])
    delete(settings, REQUESTS)
    report = retry(settings, RetryOptions(campaign="night-retry-1"))
    assert (report.campaign_id, report.retry_of, accepted(report)) == (
        "night-retry-1-retry-1",
        "night-retry-1",
        (1, 1),
    )
    (row,) = staged_rows(settings, report.campaign_id)
    assert json.loads(row.source or b"") == rows(2)[1]
    assert row.request_id == request_id(report.campaign_id, "n-1")


def test_a_campaign_without_a_list_is_retried_from_the_topics(settings: Settings) -> None:
    expire(settings, 3)
    for number in range(2):
        end(settings, a_request(request_id=f"request-{number}", campaign_id="night"))
    report = retry(settings, replace(AGAIN, name="first"))
    assert (accepted(report), report.strays) == ((2, 2), 0)
    assert [row.source for row in staged_rows(settings, "first")] == [None, None]
    delete(settings, REQUESTS)
    with pytest.raises(InvalidInput, match=r"that the topics still have; got none of 2"):
        retry(settings, replace(AGAIN, name="second"))
    assert run(settings, "retry", "night", "--as", "second").returncode == 2


def test_a_failed_stray_is_named_and_neither_asked_for_nor_missing(settings: Settings) -> None:
    stray = a_request(request_id="stray-000001", campaign_id="night")
    failed, _ = night(settings, 2)
    end(settings, stray)
    alone = retry(settings, AGAIN)
    assert (alone.asked, alone.missing, alone.strays, alone.submitted) == ({}, 0, 1, None)
    end(settings, failed)
    report = retry(settings, AGAIN)
    assert (accepted(report), report.missing, report.strays) == ((1, 1), 0, 1)
    assert dict(report.asked) == {"engine_error": 1}


def test_requests_that_the_caller_made_keep_their_identity(settings: Settings) -> None:
    mine = a_request(request_id="my-own-id", text="Hello.", metadata={"id": "n-1"})
    submit_requests(settings, [mine], SubmitOptions(campaign="night"))
    end(settings, mine)
    retry(settings, AGAIN)
    (again,) = in_order(settings, "night-retry-1")
    assert (again.request_id, again.metadata) == (
        request_id("night-retry-1", "my-own-id"),
        {"id": "n-1"},
    )


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("campaign", "name", "message"),
    [
        ("nigth", None, "but night"),
        ("night", "day", "another campaign"),
        ("night", "night", "another campaign"),
    ],
)
def test_a_wrong_campaign_name_is_refused(
    settings: Settings, campaign: str, name: str | None, message: str
) -> None:
    night(settings, 1)
    submit_requests(settings, rows(1), replace(OPTIONS, campaign="day"))
    with pytest.raises(InvalidInput, match=message):
        retry(settings, RetryOptions(campaign=campaign, name=name))


def expire(settings: Settings, count: int) -> None:
    """Submit requests whose deadline is past already."""
    past = datetime.now(UTC) - SOON
    sender = producer(settings)
    for number in range(count):
        request = a_request(
            request_id=f"request-{number}", deadline=past, metadata={"id": str(number)}
        )
        sender.deliver(settings.topic(REQUESTS), key=b"2222", value=encode_json(request))
    announce(
        sender,
        settings,
        Campaign(campaign_id="night", state="sealed", created_at=past, accepted=count),
    )


def lines(text: str) -> Iterator[dict[str, object]]:
    return (json.loads(line) for line in text.splitlines())


def test_the_command_retries_a_campaign_and_waits_for_its_results(
    settings: Settings, seedcast: Spawn
) -> None:
    expire(settings, 6)
    for worker in ("feeder", "gpu-consumer", "postprocess"):
        seedcast(["run", worker], settings)
    assert wait(settings, "night", ids_reader(settings.s3)).expired == 6
    dry = run(settings, "retry", "night", "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    (planned,) = lines(dry.stdout)
    assert (planned["campaign_id"], planned["submitted"]["accepted"]) == ("night-retry-1", 6)  # type: ignore[index]
    assert set(read_campaigns(settings)) == {"night"}
    done = run(settings, "retry", "night", "--wait", "--json")
    assert done.returncode == 0, done.stderr
    _, outcome = lines(done.stdout)
    assert outcome["succeeded"] == 6
    shown = run(settings, "retry", "night")
    assert (shown.returncode, "spoken by an earlier retry" in shown.stdout) == (0, True), (
        shown.stderr
    )
