"""Events on a real Kafka: each is acknowledged where its receipt says, in outages, too."""

import asyncio
import threading
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from seedcast import Client, SendOptions, SendReceipt, SubmitOptions
from seedcast.campaigns.campaign_state import cancelled
from seedcast.campaigns.campaign_topic import change_campaign, read_campaigns
from seedcast.codec import decode_campaign, decode_request
from seedcast.embedded import Stack
from seedcast.errors import InvalidEvent, InvalidInput, Poison, Retryable, TopicMismatch
from seedcast.kafka import Partition, Record, TopicReader, client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.producers.events.sender import Sender
from seedcast.schemas.topics import CAMPAIGNS, REQUESTS, REQUESTS_URGENT, Topic
from seedcast.settings import Settings
from tests.builders.deployments import fresh
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

MANY = 1000
PATIENT = 300.0  # seconds: longer than any restart of a broker on a busy machine


def sender(settings: Settings, **options: object) -> Sender:
    given: dict[str, object] = {"voice": 2222, **options}
    return Client(settings).sender(SendOptions(**given))  # type: ignore[arg-type]


def event(number: int, **more: object) -> dict[str, object]:
    return {"id": f"order-{number}", "text": f"Order {number} is at the door.", **more}


def records(settings: Settings, topic: Topic = REQUESTS) -> list[Record]:
    with TopicReader(settings, settings.topic(topic)) as reader:
        return list(reader.to_end())


def times_on_topic(settings: Settings) -> Counter[str]:
    return Counter(decode_request(record.value).request_id for record in records(settings))


def assert_lies_there(settings: Settings, receipt: SendReceipt, topic: Topic = REQUESTS) -> None:
    place = Partition(receipt.topic, receipt.partition)
    [record] = [
        each
        for each in records(settings, topic)
        if (each.partition, each.offset) == (place, receipt.offset)
    ]
    request = decode_request(record.value)
    assert record.key == b"2222"
    assert (request.request_id, request.campaign_id) == (receipt.request_id, receipt.campaign_id)


def test_an_event_is_acknowledged_where_its_receipt_says(settings: Settings) -> None:
    with sender(settings, tenant="acme") as events:
        normal, urgent = events.send(event(1)), events.send(event(2, priority="urgent"))
        with pytest.raises(InvalidEvent, match="field 'speed'"):
            events.send(event(3, speed="fast"))
        again = events.send(event(1))
    assert_lies_there(settings, normal)
    assert_lies_there(settings, urgent, REQUESTS_URGENT)
    assert urgent.topic == settings.topic(REQUESTS_URGENT)
    assert again.request_id == normal.request_id
    assert times_on_topic(settings) == {normal.request_id: 2}


def test_the_campaign_of_a_day_is_opened_once_by_all_its_senders(settings: Settings) -> None:
    before = f"{datetime.now(UTC):%Y-%m-%d}"
    for _ in range(2):
        with sender(settings) as events:
            receipts = [events.send(event(number)) for number in range(3)]
    days = {before, f"{datetime.now(UTC):%Y-%m-%d}"}  # the night may have passed
    written = [decode_campaign(record.value) for record in records(settings, CAMPAIGNS)]
    assert len(written) == len({record.campaign_id for record in written})
    assert {record.campaign_id for record in written} <= {f"events-default-{day}" for day in days}
    assert receipts[-1].campaign_id in {record.campaign_id for record in written}
    assert {(record.state, record.accepted) for record in written} == {("open", None)}


def test_a_thousand_events_are_in_flight_at_once(settings: Settings) -> None:
    async def send_all() -> list[SendReceipt]:
        async with sender(settings) as events:
            return await asyncio.gather(*(events.send_async(event(n)) for n in range(MANY)))

    receipts = asyncio.run(send_all())
    on_topic = {
        decode_request(record.value).request_id: (record.partition.number, record.offset)
        for record in records(settings)
    }
    assert len(on_topic) == MANY
    assert on_topic == {each.request_id: (each.partition, each.offset) for each in receipts}


@pytest.mark.slow
def test_events_wait_for_a_broker_that_is_away_for_a_while(stoppable_stack: Stack) -> None:
    settings = fresh(stoppable_stack)

    async def send_all() -> list[SendReceipt]:
        async with sender(settings, timeout=PATIENT) as events:
            first = await events.send_async(event(0))
            await asyncio.to_thread(stoppable_stack.stop_broker)
            waiting = [asyncio.ensure_future(events.send_async(event(n))) for n in range(1, 100)]
            done, _ = await asyncio.wait(waiting, timeout=1)
            assert not done
            await asyncio.to_thread(stoppable_stack.start_broker)
            return [first, *await asyncio.gather(*waiting)]

    receipts = asyncio.run(send_all())
    assert times_on_topic(settings) == {receipt.request_id: 1 for receipt in receipts}
    assert len(receipts) == 100


@pytest.mark.slow
def test_an_event_that_was_not_acknowledged_in_time_is_sent_again_as_one_request(
    stoppable_stack: Stack,
) -> None:
    """What was given up is dropped: it is no second record once the broker is back."""
    settings = fresh(stoppable_stack)
    attempts = 0

    def send_again() -> bool:
        nonlocal attempts
        attempts += 1
        sent.append(events.send(event(2)))
        return True

    with sender(settings, timeout=2.0) as events:
        known = events.send(event(1)).request_id
        stoppable_stack.stop_broker()
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(Retryable, match=r"within 2 s.*send it again with the id 'order-2'"):
                events.send(event(2))
            assert 1.9 < time.monotonic() - began < 10
        stoppable_stack.start_broker()
        sent: list[SendReceipt] = []
        eventually(send_again, what="an acknowledgement")
    times = times_on_topic(settings)
    assert times.keys() == {known, sent[0].request_id}
    assert times[known] == 1
    assert times[sent[0].request_id] <= attempts
    assert_lies_there(settings, sent[0])


@pytest.mark.slow
def test_who_repeats_through_an_outage_loses_nothing(stoppable_stack: Stack) -> None:
    """Some are in flight when the broker ends, and given up: the connection goes on after that."""
    settings = fresh(stoppable_stack)
    repeats = 0

    async def send_until_acknowledged(events: Sender, number: int) -> SendReceipt:
        nonlocal repeats
        while True:
            try:
                return await events.send_async(event(number))
            except Retryable:
                repeats += 1

    async def send_all() -> list[SendReceipt]:
        async with sender(settings, timeout=1.0) as events:
            await send_until_acknowledged(events, 0)
            first = [asyncio.ensure_future(send_until_acknowledged(events, n)) for n in range(500)]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.to_thread(stoppable_stack.stop_broker)
            second = [send_until_acknowledged(events, n) for n in range(500, 550)]
            rest = asyncio.gather(*first, *second)
            await asyncio.wait([rest], timeout=1.5)
            await asyncio.to_thread(stoppable_stack.start_broker)
            return await rest

    receipts = asyncio.run(asyncio.wait_for(send_all(), PATIENT))
    assert repeats >= 50
    assert len(receipts) == 550
    lie = {(each.partition.number, each.offset): each.value for each in records(settings)}
    for receipt in receipts:
        assert receipt.offset is not None
        request = decode_request(lie[receipt.partition, receipt.offset])
        assert request.request_id == receipt.request_id


def test_a_sender_on_many_threads_sends_each_event_once(settings: Settings) -> None:
    receipts: list[SendReceipt] = []
    with sender(settings) as events:

        def send(first: int) -> None:
            receipts.extend(events.send(event(number)) for number in range(first, first + 25))

        threads = [threading.Thread(target=send, args=(25 * n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert times_on_topic(settings) == {receipt.request_id: 1 for receipt in receipts}
    assert len(receipts) == 200
    assert len(records(settings, CAMPAIGNS)) <= 2  # a day each


def test_a_campaign_that_an_operator_cancels_takes_no_more_events(settings: Settings) -> None:
    def refused() -> bool:
        try:
            events.send(event(2))
        except InvalidInput as error:
            return "got one that is cancelled" in str(error)
        return False

    with sender(settings, campaign="alerts") as events:
        events.send(event(1))
        change_campaign(settings, "alerts", cancelled)
        eventually(refused, what="the sender to notice")
    with (
        sender(settings, campaign="alerts") as events,
        pytest.raises(InvalidInput, match="campaign alerts; expected one that is open"),
    ):
        events.send(event(3))
    assert read_campaigns(settings)["alerts"].state == "cancelled"


def test_a_list_takes_no_events(settings: Settings) -> None:
    client = Client(settings)
    client.submit([{"text": "Hello."}], SubmitOptions(campaign="night", voice=1))
    with (
        sender(settings, campaign="night") as events,
        pytest.raises(InvalidInput, match="got one that is sealed, a list"),
    ):
        events.send(event(1))
    assert not times_on_topic(settings)


def test_what_the_broker_will_never_take_is_raised(settings: Settings) -> None:
    def refused() -> bool:
        try:
            events.send(event(1))
        except Poison as error:
            return "will never take this record" in str(error)
        return False

    resource = ConfigResource(ConfigResource.Type.TOPIC, settings.topic(REQUESTS))
    resource.add_incremental_config(
        ConfigEntry("max.message.bytes", "64", incremental_operation=AlterConfigOpType.SET)
    )
    admin = AdminClient(client_config.client(settings.kafka))
    with sender(settings) as events:
        admin.incremental_alter_configs([resource])[resource].result(60)
        eventually(refused, what="the new limit")
        events.send(event(2, priority="urgent"))


def test_missing_topics_are_named_when_a_sender_opens(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = settings.kafka.model_copy(update={"prefix": f"{settings.kafka.prefix}-new"})
    elsewhere = settings.model_copy(update={"kafka": kafka})
    monkeypatch.setattr("seedcast.producers.request_topics.is_embedded", lambda _: False)
    with pytest.raises(TopicMismatch, match=rf"{kafka.prefix}\.requests.*topics create"):
        sender(elsewhere).__enter__()
