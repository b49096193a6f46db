"""Urgent results on their own topic, on a real Kafka: nothing is lost on the way to who waits."""

import asyncio
import signal
from contextlib import closing

import pytest

from seedcast import Client, SendOptions
from seedcast.codec import decode_result, encode_json, encode_synthesis
from seedcast.embedded import Stack
from seedcast.kafka import Admin, GroupOffsets, client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.producers.gateway.replies import Replies
from seedcast.schemas.messages import SpeechResult
from seedcast.schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    POSTPROCESS,
    RESULTS,
    RESULTS_URGENT,
    Topic,
)
from seedcast.settings import Settings
from tests.builders.deployments import Spawn, fresh, with_short_session
from tests.builders.records import audio, rejected, sounds
from tests.builders.topics import lag, read, send
from tests.builders.waiting import eventually, terminate

pytestmark = pytest.mark.integration

RUN = ["run", "postprocess"]


def ids(*numbers: int) -> set[str]:
    return {f"request-{number:05d}" for number in numbers}


def values(settings: Settings, topic: Topic) -> dict[str, set[bytes]]:
    """Return the distinct records of each request."""
    records = read(settings, topic)
    return {name: {record.value for record in each} for name, each in records.items()}


def urgent_committed(settings: Settings) -> int:
    found = GroupOffsets(settings).committed(settings.group(POSTPROCESS.name))
    topic = settings.topic(AUDIO_URGENT)
    return sum(each.offset or 0 for place, each in found.items() if place.topic == topic)


def delete_topic(settings: Settings, topic: Topic) -> None:
    name = settings.topic(topic)
    client = AdminClient(client_config.client(settings.kafka))
    client.delete_topics([name])[name].result(60)
    eventually(lambda: name not in Admin(settings).existing(), what="the end of the topic")


def test_every_end_of_an_urgent_request_is_on_both_topics_though_a_worker_dies_between(
    settings: Settings, seedcast: Spawn
) -> None:
    settings = with_short_session(settings)
    send(settings, AUDIO_URGENT, sounds(range(1)))
    killed = seedcast(RUN, settings, SEEDCAST_FAILPOINT="postprocess.acknowledged:1")
    assert killed.wait(timeout=90) == -signal.SIGKILL
    assert (read(settings, RESULTS).keys(), len(read(settings, RESULTS_URGENT))) == (ids(0), 0)
    send(settings, AUDIO, sounds(range(1, 4)))
    ends = {5: rejected(5), 6: audio(6, profiles=("unknown",))}
    send(settings, AUDIO_URGENT, [(b"%d" % n, encode_synthesis(each)) for n, each in ends.items()])
    worker = seedcast(RUN, settings)
    eventually(lambda: urgent_committed(settings) == 3, what="the commit of the urgent ones")
    eventually(lambda: len(read(settings, RESULTS)) == 6, what="all results")
    urgent, results = values(settings, RESULTS_URGENT), values(settings, RESULTS)
    assert urgent.keys() == ids(0, 5, 6)
    assert urgent == {name: each for name, each in results.items() if name in urgent}
    assert all(len(each) == 1 for each in results.values())
    assert len(read(settings, RESULTS)["request-00000"]) == 2
    statuses = {decode_result(value).status for each in urgent.values() for value in each}
    assert statuses == {"succeeded", "expired", "failed"}
    assert terminate(worker) == 0


@pytest.mark.slow
def test_normal_results_do_not_wait_for_the_topic_of_urgent_ones_and_neither_does_a_stop(
    settings: Settings, seedcast: Spawn
) -> None:
    send(settings, AUDIO, sounds(range(100, 101)))
    worker = seedcast(RUN, settings)
    eventually(lambda: read(settings, RESULTS), what="a worker that runs")
    delete_topic(settings, RESULTS_URGENT)
    send(settings, AUDIO_URGENT, sounds(range(1)))
    eventually(lambda: len(read(settings, RESULTS)) == 2, what="the urgent result")
    send(settings, AUDIO, sounds(range(1, 9)))
    eventually(lambda: len(read(settings, RESULTS)) == 10, what="the normal results")
    assert terminate(worker) == 0
    assert urgent_committed(settings) == 0
    worker = seedcast(RUN, settings)  # it makes the topic again
    eventually(lambda: urgent_committed(settings) == 1, what="the commit of the urgent one")
    urgent, results = values(settings, RESULTS_URGENT), values(settings, RESULTS)
    assert urgent == {"request-00000": results["request-00000"]}
    assert not lag(settings, POSTPROCESS.name)
    assert terminate(worker) == 0


def test_who_waits_for_an_urgent_request_gets_its_result_and_other_gateways_read_it_too(
    settings: Settings, seedcast: Spawn
) -> None:
    seedcast(["run", "gpu-consumer"], settings, SEEDCAST_GPU_ENGINE="echo")
    seedcast(RUN, settings)

    async def speak(own: Replies, other: Replies) -> None:
        events = Client(settings).sender(SendOptions(voice=7, priority="urgent"))
        async with events, asyncio.timeout(180):
            request = events.prepare({"id": "1", "text": "The door is open."})
            waiting = [replies.wait(request.request_id) for replies in (own, other, own)]
            await events.send_async(request)
            first, *others = await asyncio.gather(*waiting)
        assert (first.request_id, first.status) == (request.request_id, "succeeded")
        assert others == [first] * 2
        # Whoever learns of it can already find it where everybody else looks.
        results = await asyncio.to_thread(values, settings, RESULTS)
        assert results == await asyncio.to_thread(values, settings, RESULTS_URGENT)

    with closing(Replies(settings)) as own, closing(Replies(settings)) as other:
        asyncio.run(speak(own, other))


@pytest.mark.slow
def test_results_that_come_while_the_broker_is_away_from_a_gateway_are_read_later(
    stoppable_stack: Stack,
) -> None:
    settings = fresh(stoppable_stack)

    async def wait(replies: Replies) -> None:
        async with asyncio.timeout(180):
            for number in range(3):
                name = f"request-{number:05d}"
                waiting = replies.wait(name)
                if number:
                    await asyncio.to_thread(restart)
                await asyncio.to_thread(write, name)
                assert (await waiting).request_id == name
        assert replies.alive
        assert replies.behind == 0

    def restart() -> None:
        stoppable_stack.kill("kafka")
        stoppable_stack.start()

    def write(name: str) -> None:
        result = SpeechResult(request_id=name, campaign_id="night-1", status="succeeded")
        send(settings, RESULTS_URGENT, [(name.encode(), encode_json(result))])

    with closing(Replies(settings)) as replies:
        asyncio.run(wait(replies))
