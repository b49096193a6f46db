"""Outcomes and subscriptions on a real Kafka.

Each request's first result comes once, over restarts, and then the subscription ends.
"""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice, product
from pathlib import Path
from urllib.request import urlopen

import pytest
from confluent_kafka import ConsumerGroupState, KafkaException
from psutil import Process

import seedcast
from seedcast import Client
from seedcast.campaigns.campaign_topic import announce, read_campaigns
from seedcast.campaigns.progress import Outcomes, Progress
from seedcast.campaigns.subscription import read_results, subscribe
from seedcast.campaigns.waiting import wait
from seedcast.codec import encode_json
from seedcast.errors import InvalidInput
from seedcast.kafka import GroupOffsets, client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.schemas.messages import Campaign, Rendition, RequestError, SpeechResult, Status
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from seedcast.storage.index.sqlite import path_of
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import environment
from tests.builders.indexed_topics import with_index
from tests.builders.topics import producer, send
from tests.builders.waiting import eventually

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


def keyed(result: SpeechResult | bytes) -> tuple[bytes, bytes]:
    """Return the key and the value of its record; bytes have an empty key."""
    if isinstance(result, bytes):
        return b"", result
    return result.request_id.encode(), encode_json(result)


def publish(settings: Settings, results: Iterable[SpeechResult | bytes]) -> None:
    send(settings, RESULTS, list(map(keyed, results)))


def write_campaign(
    settings: Settings, accepted: int | None, state: str = "sealed", name: str = "night"
) -> None:
    campaign = Campaign(
        campaign_id=name,
        state=state,  # type: ignore[arg-type]
        created_at=datetime.now(UTC),
        accepted=accepted,
    )
    announce(producer(settings), settings, campaign)


def no_list(campaign: Campaign) -> Iterable[str]:
    """Campaigns of events, and of older versions, have no list: what is known is a count."""
    raise AssertionError(campaign.campaign_id)


def numbered(count: int, start: int = 0) -> list[SpeechResult]:
    return [a_result(f"{number:03d}") for number in range(start, start + count)]


def ids(results: Iterable[SpeechResult]) -> list[str]:
    return sorted(result.metadata["id"] for result in results)


def committed(settings: Settings, group: str) -> int:
    """Return the number of results that a group has committed as done."""
    return sum(lag.committed or 0 for lag in GroupOffsets(settings).lag(settings.group(group)))


def test_outcomes_count_the_first_result_of_each_request(settings: Settings) -> None:
    write_campaign(settings, 4)
    statuses: Sequence[Status] = ("succeeded", "failed", "expired", "cancelled")
    publish(settings, [a_result(status, status=status) for status in statuses])
    repeats = [a_result("failed"), a_result("succeeded")]
    publish(settings, [*repeats, a_result("elsewhere", campaign="day"), b"not a result"])
    with Outcomes(settings, no_list) as outcomes:
        outcomes.catch_up()
        progress = outcomes.progress(read_campaigns(settings)["night"])
    assert (progress.succeeded, progress.failed) == (1, 1)
    assert (progress.expired, progress.cancelled) == (1, 1)
    assert progress.audio_seconds == 2.5
    assert progress.complete


def test_waiting_ends_with_the_last_outcome_and_writes_nothing(settings: Settings) -> None:
    write_campaign(settings, None, state="open")
    publish(settings, numbered(2))
    seen: list[Progress] = []
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait, settings, "night", no_list, seen.append)
        eventually(lambda: seen and seen[-1].succeeded == 2, what="two outcomes")
        write_campaign(settings, 3)
        eventually(lambda: seen[-1].accepted == 3, what="the sealed record")
        assert not waiting.done()
        publish(settings, numbered(1, start=2))
        progress = waiting.result(180)
    assert (progress.accepted, progress.succeeded, progress.complete) == (3, 3, True)
    assert read_campaigns(settings)["night"].state == "sealed"


def test_a_campaign_cancelled_before_it_was_sealed_is_not_waited_for(settings: Settings) -> None:
    write_campaign(settings, None, state="cancelled")
    publish(settings, numbered(2))
    assert not wait(settings, "night", no_list).complete
    assert ids(subscribe(settings, "crm", no_list, "night")) == ["000", "001"]
    assert read_campaigns(settings)["night"].state == "cancelled"


def test_waiting_for_an_unknown_campaign_is_invalid_input(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match=r"campaign night.*got none of that name"):
        wait(settings, "night", no_list)
    with pytest.raises(InvalidInput, match="campaign night"):
        subscribe(settings, "crm", no_list, "night")


def test_reading_omits_repeats_and_keeps_the_first_result(settings: Settings) -> None:
    repeat, other = a_result("001", uri="s3://b/second"), a_result("x", campaign="day")
    publish(settings, [*numbered(3), b"not a result", repeat, other])
    results = list(read_results(settings, "night"))
    assert ids(results) == ["000", "001", "002"]
    assert {result.renditions[0].uri for result in results} == {"s3://b/k"}


def test_following_yields_results_that_come_later(settings: Settings) -> None:
    publish(settings, numbered(2))
    following = read_results(settings, follow=True)
    assert ids(islice(following, 2)) == ["000", "001"]
    publish(settings, numbered(1, start=2))
    assert ids(islice(following, 1)) == ["002"]


def test_a_subscription_ends_when_the_campaign_is_complete(settings: Settings) -> None:
    write_campaign(settings, 40)
    publish(settings, [*numbered(40), *numbered(40), a_result("x", campaign="day")])
    assert ids(subscribe(settings, "crm", no_list, "night")) == [
        f"{number:03d}" for number in range(40)
    ]
    assert list(subscribe(settings, "crm", no_list, "night")) == []
    assert len(list(subscribe(settings, "another", no_list, "night"))) == 40


def test_a_group_receives_each_of_its_campaigns_completely(settings: Settings) -> None:
    names = ("night", "day")
    for name in names:
        write_campaign(settings, 20, name=name)
    pairs = product(range(20), names)
    publish(settings, [a_result(f"{name}-{n:02d}", campaign=name) for n, name in pairs])
    for name in names:
        assert ids(subscribe(settings, "crm", no_list, name)) == [
            f"{name}-{n:02d}" for n in range(20)
        ]
    with subscribe(settings, "crm", no_list) as everything:
        assert len(list(islice(everything, 40))) == 40


def test_a_subscription_waits_for_results_that_are_still_to_come(settings: Settings) -> None:
    write_campaign(settings, 3)
    publish(settings, numbered(2))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(list[SpeechResult], subscribe(settings, "crm", no_list, "night"))
        eventually(lambda: committed(settings, "crm:night") == 2, what="two results done")
        assert not waiting.done()
        publish(settings, numbered(1, start=2))
        assert len(waiting.result(180)) == 3


def test_a_group_continues_after_the_last_result_that_was_done(settings: Settings) -> None:
    write_campaign(settings, 30)
    publish(settings, numbered(30))
    with subscribe(settings, "crm", no_list, "night") as first:
        before = list(islice(first, 12))
    after = list(subscribe(settings, "crm", no_list, "night"))
    assert (len(before), len(after)) == (12, 18)
    assert len(set(ids(before) + ids(after))) == 30


def test_a_result_on_which_the_caller_failed_comes_again(settings: Settings) -> None:
    write_campaign(settings, 5)
    publish(settings, numbered(5))
    done: list[SpeechResult] = []

    def fail_on_the_third() -> None:
        with subscribe(settings, "crm", no_list, "night") as results:
            for result in results:
                if len(done) == 2:
                    raise ZeroDivisionError
                done.append(result)

    with pytest.raises(ZeroDivisionError):
        fail_on_the_third()
    rest = ids(subscribe(settings, "crm", no_list, "night"))
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

    with subscribe(settings, "crm", no_list):
        eventually(joined, what="an assignment")
        began = time.monotonic()
    assert time.monotonic() - began < 25  # seconds: a request to a closing client hangs for 30


def test_repeats_are_omitted_after_a_restart_too(settings: Settings) -> None:
    write_campaign(settings, 12)
    publish(settings, numbered(10))
    with subscribe(settings, "crm", no_list, "night") as first:
        assert len(list(islice(first, 10))) == 10
    publish(settings, [*numbered(10), *numbered(2, start=10)])
    assert ids(subscribe(settings, "crm", no_list, "night")) == ["010", "011"]


def test_members_share_the_partitions_and_a_member_without_any_ends_too(settings: Settings) -> None:
    publish(settings, numbered(200))
    members = settings.kafka.partitions + 1

    def drain(_: int) -> list[str]:
        return ids(subscribe(settings, "crm", no_list, "night"))

    with ThreadPoolExecutor(members) as pool:
        write_campaign(settings, 201)
        shares = [pool.submit(drain, number) for number in range(members)]
        eventually(lambda: committed(settings, "crm:night") == 200, what="all done so far")
        publish(settings, numbered(1, start=200))
        names = [name for share in shares for name in share.result(180)]
    assert sorted(names) == [f"{number:03d}" for number in range(201)]


def test_the_client_subscribes_and_reads_results_on_the_servers_of_the_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_campaign(settings, 1, name="july-bills")
    stored = S3Store(settings.s3).put("k", b"audio", "audio/ogg")
    publish(settings, [a_result("b-1", campaign="july-bills", uri=stored)])
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    client = Client()
    (result,) = client.results("july-bills")
    assert list(seedcast.subscribe("billing", "july-bills")) == [result]
    assert list(client.subscribe("billing", "july-bills")) == []  # the group has handled it
    assert client.audio(result.renditions[0].uri) == b"audio"
    with urlopen(client.link(result.renditions[0].uri)) as answer:  # noqa: S310
        assert answer.read() == b"audio"


def test_a_subscription_leaves_no_connection_to_the_index(
    settings: Settings, tmp_path: Path
) -> None:
    write_campaign(settings, 1)
    publish(settings, numbered(1))
    indexed = with_index(settings, tmp_path)
    client, file = Client(indexed), str(path_of(indexed.index))

    def is_open() -> bool:
        return any(each.path == file for each in Process().open_files())

    with client.subscribe("unread", "night"):
        assert is_open()
    assert not is_open()
    with client.subscribe("crm", "night") as results:
        next(results)
        assert is_open()
    assert not is_open()
    assert ids(client.subscribe("another", "night")) == ["000"]  # to its end, closed by nobody
    assert not is_open()
    with pytest.raises(InvalidInput):
        client.subscribe("crm", "no-such")
    assert not is_open()
