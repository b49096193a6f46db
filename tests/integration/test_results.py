"""Outcomes and subscriptions on a real Kafka: each request's first result once, over restarts, and then an end."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice

import pytest
from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from schemas.messages import Campaign, Rendition, RequestError, SpeechResult, Status
from schemas.topics import RESULTS
from seedcast.campaigns import subscription
from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.campaigns.progress import Outcomes, Progress, wait
from seedcast.campaigns.subscription import read_results, subscribe
from seedcast.codec import encode_json
from seedcast.errors import InvalidInput
from seedcast.kafka import Admin, Producer, announce, client_config
from seedcast.settings import Settings
from tests.conftest import eventually
from tests.integration.test_submit import run_example

pytestmark = pytest.mark.integration


def a_result(
    name: str, campaign: str = "night", status: Status = "succeeded", uri: str = "s3://b/k"
) -> SpeechResult:
    spoken = status == "succeeded"
    rendition = Rendition(
        profile="phone",
        uri=uri,
        format="ogg",
        sample_rate=24_000,
        duration=2.5,
        bytes=9,
        sha256="0" * 64,
    )
    return SpeechResult(
        request_id=f"request-{name}",
        campaign_id=campaign,
        status=status,
        renditions=(rendition, rendition) if spoken else (),
        error=None if spoken else RequestError(code="engine_error", message="no"),
        metadata={"id": name},
    )


def publish(settings: Settings, found: Iterable[SpeechResult | bytes]) -> None:
    producer = Producer(settings)
    for result in found:
        key, value = (
            (b"", result)
            if isinstance(result, bytes)
            else (result.request_id.encode(), encode_json(result))
        )
        producer.send(settings.topic(RESULTS), key=key, value=value, on_delivery=lambda error: None)
    assert producer.flush(30) == 0


def declare(
    settings: Settings, accepted: int | None, state: str = "sealed", name: str = "night"
) -> None:
    record = Campaign(
        campaign_id=name, state=state, created_at=datetime.now(UTC), accepted=accepted
    )  # type: ignore[arg-type]
    announce(Producer(settings), settings, record)


def numbered(count: int, start: int = 0) -> list[SpeechResult]:
    return [a_result(f"{number:03d}") for number in range(start, start + count)]


def ids(found: Iterable[SpeechResult]) -> list[str]:
    return sorted(result.metadata["id"] for result in found)


def test_outcomes_count_the_first_result_of_each_request(settings: Settings) -> None:
    declare(settings, 4)
    statuses: Sequence[Status] = ("succeeded", "failed", "expired", "cancelled")
    publish(settings, [a_result(status, status=status) for status in statuses])
    publish(
        settings,
        [
            a_result("failed"),
            a_result("succeeded"),
            a_result("elsewhere", campaign="day"),
            b"not a result",
        ],
    )
    with Outcomes(settings) as outcomes:
        outcomes.catch_up()
        progress = outcomes.progress(read_campaigns(settings)["night"])
    assert (progress.succeeded, progress.failed, progress.expired, progress.cancelled) == (
        1,
        1,
        1,
        1,
    )
    assert progress.audio_seconds == 2.5
    assert progress.complete


def test_waiting_ends_with_the_last_outcome_and_completes_the_campaign(settings: Settings) -> None:
    declare(settings, None, state="open")
    publish(settings, numbered(2))
    seen: list[Progress] = []
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait, settings, "night", seen.append)
        eventually(lambda: seen and seen[-1].succeeded == 2, what="two outcomes")
        declare(settings, 3)
        eventually(lambda: seen[-1].accepted == 3, what="the sealed record")
        assert not waiting.done()
        publish(settings, numbered(1, start=2))
        progress = waiting.result(180)
    assert (progress.accepted, progress.succeeded, progress.complete) == (3, 3, True)
    assert read_campaigns(settings)["night"].state == "completed"


def test_a_campaign_cancelled_before_it_was_sealed_is_not_waited_for(settings: Settings) -> None:
    declare(settings, None, state="cancelled")
    publish(settings, numbered(2))
    assert not wait(settings, "night").complete
    assert ids(subscribe(settings, "crm", "night")) == ["000", "001"]
    assert read_campaigns(settings)["night"].state == "cancelled"


def test_waiting_for_nobody_says_so(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match=r"campaign night.*got none yet"):
        wait(settings, "night")
    with pytest.raises(InvalidInput, match="campaign night"):
        subscribe(settings, "crm", "night")


def test_reading_leaves_repeats_out_and_keeps_the_first(settings: Settings) -> None:
    publish(
        settings,
        [
            *numbered(3),
            b"not a result",
            a_result("001", uri="s3://b/second"),
            a_result("x", campaign="day"),
        ],
    )
    found = list(read_results(settings, "night"))
    assert ids(found) == ["000", "001", "002"]
    assert {result.renditions[0].uri for result in found} == {"s3://b/k"}


def test_following_goes_on(settings: Settings) -> None:
    publish(settings, numbered(2))
    following = read_results(settings, follow=True)
    assert ids(islice(following, 2)) == ["000", "001"]
    publish(settings, numbered(1, start=2))
    assert ids(islice(following, 1)) == ["002"]


def test_a_subscription_ends_when_the_campaign_is_complete(settings: Settings) -> None:
    declare(settings, 40)
    publish(settings, [*numbered(40), *numbered(40), a_result("x", campaign="day")])
    assert ids(subscribe(settings, "crm", "night")) == [f"{number:03d}" for number in range(40)]
    assert list(subscribe(settings, "crm", "night")) == []
    assert len(list(subscribe(settings, "another", "night"))) == 40


def test_a_group_hands_out_each_of_its_campaigns_whole(settings: Settings) -> None:
    for name in ("night", "day"):
        declare(settings, 20, name=name)
    publish(
        settings,
        [
            a_result(f"{name}-{number:02d}", campaign=name)
            for number in range(20)
            for name in ("night", "day")
        ],
    )
    assert ids(subscribe(settings, "crm", "night")) == [
        f"night-{number:02d}" for number in range(20)
    ]
    assert ids(subscribe(settings, "crm", "day")) == [f"day-{number:02d}" for number in range(20)]
    with subscribe(settings, "crm") as everything:
        assert len(list(islice(everything, 40))) == 40


def test_it_waits_for_what_is_still_to_come(settings: Settings) -> None:
    declare(settings, 3)
    publish(settings, numbered(2))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(list[SpeechResult], subscribe(settings, "crm", "night"))
        eventually(
            lambda: (
                sum(lag.committed or 0 for lag in Admin(settings).lag(settings.group("crm:night")))
                == 2
            ),
            what="two results done",
        )
        assert not waiting.done()
        publish(settings, numbered(1, start=2))
        assert len(waiting.result(180)) == 3


def test_a_group_goes_on_after_what_was_done(settings: Settings) -> None:
    declare(settings, 30)
    publish(settings, numbered(30))
    with subscribe(settings, "crm", "night") as first:
        before = list(islice(first, 12))
    after = list(subscribe(settings, "crm", "night"))
    assert (len(before), len(after)) == (12, 18)
    assert len(set(ids(before) + ids(after))) == 30


def test_what_the_caller_failed_on_comes_again(settings: Settings) -> None:
    declare(settings, 5)
    publish(settings, numbered(5))
    done: list[SpeechResult] = []

    def fail_on_the_third() -> None:
        with subscribe(settings, "crm", "night") as found:
            for result in found:
                if len(done) == 2:
                    raise ZeroDivisionError
                done.append(result)

    with pytest.raises(ZeroDivisionError):
        fail_on_the_third()
    rest = ids(subscribe(settings, "crm", "night"))
    assert sorted(ids(done) + rest) == ids(numbered(5))


def test_a_subscription_that_nobody_reads_closes_at_once(settings: Settings) -> None:
    admin, group = AdminClient(client_config.client(settings.kafka)), settings.group("crm")

    def joined() -> bool:
        with suppress(KafkaException):  # its coordinator may still be loading
            return bool(
                admin.describe_consumer_groups([group])[group].result(10).state
                == ConsumerGroupState.STABLE
            )
        return False

    with subscribe(settings, "crm"):
        eventually(joined, what="an assignment")
        began = time.monotonic()
    assert time.monotonic() - began < 25  # a question to a client that closes would hang for 30 s


def test_repeats_are_left_out_after_a_restart_too(settings: Settings) -> None:
    declare(settings, 12)
    publish(settings, numbered(10))
    with subscribe(settings, "crm", "night") as first:
        assert len(list(islice(first, 10))) == 10
    publish(settings, [*numbered(10), *numbered(2, start=10)])
    assert ids(subscribe(settings, "crm", "night")) == ["010", "011"]


def test_members_share_the_partitions_and_one_too_many_ends_as_well(settings: Settings) -> None:
    publish(settings, numbered(200))
    members = settings.kafka.partitions + 1

    def drain(_: int) -> list[str]:
        return ids(subscribe(settings, "crm", "night"))

    with ThreadPoolExecutor(members) as pool:
        declare(settings, 201)
        shares = [pool.submit(drain, number) for number in range(members)]
        eventually(
            lambda: (
                sum(lag.committed or 0 for lag in Admin(settings).lag(settings.group("crm:night")))
                == 200
            ),
            what="all done so far",
        )
        publish(settings, numbered(1, start=200))
        found = [name for share in shares for name in share.result(180)]
    assert sorted(found) == [f"{number:03d}" for number in range(201)]


def test_the_example_in_the_documentation_runs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(settings, 1, name="july-bills")
    publish(settings, [a_result("b-1", campaign="july-bills")])
    run_example(subscription.__doc__, settings, monkeypatch)
    assert capsys.readouterr().out == "b-1 succeeded ['s3://b/k', 's3://b/k']\n"
