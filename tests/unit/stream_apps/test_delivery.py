"""Delivery: objects first, then the manifest; each is repeated until it is stored or sent."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from structlog.testing import capture_logs

from seedcast.catalog import profiles
from seedcast.codec import decode_result, encode_json, encode_synthesis
from seedcast.errors import Retryable, StoreUnavailable
from seedcast.kafka import Partition, Record
from seedcast.retry import AsyncRetry
from seedcast.schemas.messages import SpeechResult
from seedcast.schemas.topics import AUDIO
from seedcast.settings import Settings
from seedcast.storage import dead_letters
from seedcast.storage.memory_store import MemoryStore
from seedcast.stream_apps.postprocess.delivery import Delivery, RenderSlots
from seedcast.stream_apps.postprocess.render import RenderContext
from tests.builders.records import audio, rejected

SETTINGS = Settings()


class Broker:
    """A double of Faust's producer that records sends and refuses as told.

    It refuses at the send, or at the acknowledgement.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, bytes, list[tuple[str, bytes]]]] = []
        self.at_send: list[BaseException] = []
        self.at_acknowledgement: list[BaseException] = []
        self.before_send: Callable[[], None] = lambda: None

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        _: None,
        __: None,
        headers: list[tuple[str, bytes]],
    ) -> asyncio.Future[None]:
        self.before_send()
        if self.at_send:
            raise self.at_send.pop(0)
        acknowledgement = asyncio.get_running_loop().create_future()
        if self.at_acknowledgement:
            acknowledgement.set_exception(self.at_acknowledgement.pop(0))
        else:
            self.sent.append((topic, key, value, headers))
            acknowledgement.set_result(None)
        return acknowledgement

    def results(self) -> list[SpeechResult]:
        return [
            decode_result(value) for topic, _, value, _ in self.sent if topic == "seedcast.results"
        ]


class World:
    def __init__(self) -> None:
        self.store, self.broker, self.beats = MemoryStore(), Broker(), 0
        self.ends, self.cancelled = asyncio.Event(), frozenset[str]()
        self.slots = RenderSlots(asyncio.Semaphore(2))
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        deployment = RenderContext.of(
            SETTINGS.postprocess, profiles.load(SETTINGS.postprocess), self.store
        )
        app: Any = SimpleNamespace(producer=self.broker)
        self.delivery = Delivery(
            app,
            SETTINGS,
            deployment,
            self.store,
            AsyncRetry(self.ends, self.beat),
            self.beat,
            lambda: self.cancelled,
            clock=lambda: self.clock(),
        )

    def beat(self) -> None:
        self.beats += 1

    async def deliver(self, value: bytes, slots: RenderSlots | None = None) -> SpeechResult | None:
        return await self.delivery.deliver(
            Record(Partition(SETTINGS.topic(AUDIO), 1), 9, b"key", value, (), 0),
            slots or self.slots,
        )


def play(scene: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def stage() -> None:
        world = World()
        try:
            await scene(world)
        finally:
            world.delivery.close()

    asyncio.run(stage())


VALUE = encode_synthesis(audio(1, profiles=("telephony", "speaker")))


def test_it_tells_how_many_records_are_being_rendered() -> None:
    seen: list[int] = []

    async def scene(world: World) -> None:
        def clock() -> datetime:  # it is asked when rendering begins
            seen.append(world.delivery.rendering)
            return datetime.now(UTC)

        world.clock = clock
        assert world.delivery.rendering == 0
        await world.deliver(VALUE)
        assert world.delivery.rendering == 0

    play(scene)
    assert seen[0] == 1


def test_a_manifest_is_sent_only_after_every_object_that_it_names_is_stored() -> None:
    async def scene(world: World) -> None:
        stored: list[int] = []
        world.broker.before_send = lambda: stored.append(len(list(world.store.list())))
        await world.deliver(VALUE)
        assert stored == [2]
        (result,) = world.broker.results()
        assert all(world.store.stat(rendition.uri) for rendition in result.renditions)
        assert world.broker.sent[0][:2] == ("seedcast.results", b"request-00001")
        assert world.beats

    play(scene)


def test_an_outage_of_the_store_delays_and_drops_nothing() -> None:
    async def scene(world: World) -> None:
        world.store.fail(StoreUnavailable("away"), StoreUnavailable("still away"))
        await world.deliver(VALUE)
        assert len(list(world.store.list())) == 2
        assert [result.status for result in world.broker.results()] == ["succeeded"]

    play(scene)


def test_a_failure_during_a_revocation_hands_the_record_back_at_once() -> None:
    async def scene(world: World) -> None:
        world.ends.set()
        world.store.fail(StoreUnavailable("away"))
        with pytest.raises(Retryable):
            await world.deliver(VALUE)
        assert not world.broker.sent

    play(scene)


def test_a_wait_ends_at_once_when_partitions_are_revoked() -> None:
    async def scene(world: World) -> None:
        world.store.fail(*[StoreUnavailable("away")] * 1000)
        delivery = asyncio.create_task(world.deliver(VALUE))
        while not world.beats:  # each retry beats
            await asyncio.sleep(0)
        world.ends.set()
        with pytest.raises(Retryable):
            await asyncio.wait_for(delivery, 30)

    play(scene)


@pytest.mark.parametrize("error", [KafkaTimeoutError(), ConnectionResetError()])
def test_a_send_is_repeated_until_the_broker_has_acknowledged_it(error: Exception) -> None:
    async def scene(world: World) -> None:
        world.broker.at_send = [ProducerSendError("wrapped by Faust")]
        world.broker.at_acknowledgement = [error]
        await world.deliver(encode_synthesis(rejected(1)))
        assert [result.status for result in world.broker.results()] == ["expired"]

    play(scene)


def test_a_manifest_that_no_topic_takes_becomes_a_small_failure() -> None:
    async def scene(world: World) -> None:
        refusal = ProducerSendError("too large")
        refusal.__cause__ = MessageSizeTooLargeError()
        world.broker.at_send = [refusal]
        await world.deliver(VALUE)
        (result,) = world.broker.results()
        assert (result.request_id, result.status, result.metadata, result.renditions) == (
            "request-00001",
            "failed",
            {},
            (),
        )

    play(scene)


def test_a_result_that_gateways_cannot_get_stays_as_it_is_on_results() -> None:
    async def scene(world: World) -> None:
        result = await world.deliver(VALUE)
        assert result is not None
        refusal = ProducerSendError("too large")
        refusal.__cause__ = MessageSizeTooLargeError()
        world.broker.at_send = [refusal]
        with capture_logs() as logged:
            await world.delivery.reply(result)
        assert [line["event"] for line in logged] == ["reply_refused"]
        assert [(topic, value) for topic, _, value, _ in world.broker.sent] == [
            ("seedcast.results", encode_json(result))
        ]

    play(scene)


def test_a_result_for_gateways_is_repeated_until_they_have_it_or_is_handed_back() -> None:
    async def scene(world: World) -> None:
        result = await world.deliver(VALUE)
        assert result is not None
        world.broker.at_acknowledgement = [KafkaTimeoutError()]
        await world.delivery.reply(result)
        (_, key, value, _), reply = world.broker.sent
        assert reply == ("seedcast.results.urgent", key, value, [])
        world.ends.set()
        world.broker.at_send = [KafkaTimeoutError()]
        with pytest.raises(Retryable):
            await world.delivery.reply(result)

    play(scene)


def test_an_unforeseen_error_costs_one_request() -> None:
    async def scene(world: World) -> None:
        world.store.fail(ZeroDivisionError("not from our tree"))  # type: ignore[arg-type]
        await world.deliver(VALUE)
        (result,) = world.broker.results()
        assert result.status == "failed"
        assert result.error
        assert "ZeroDivisionError" in result.error.message

    play(scene)


def test_a_memory_error_costs_no_request() -> None:
    async def scene(world: World) -> None:
        world.store.fail(MemoryError())  # type: ignore[arg-type]
        with pytest.raises(MemoryError):
            await world.deliver(VALUE)
        assert not world.broker.sent

    play(scene)


def test_an_undecodable_record_becomes_a_dead_letter() -> None:
    async def scene(world: World) -> None:
        world.store.fail(StoreUnavailable("not asked: the letter is small"))
        await world.deliver(b"\xff")
        ((topic, key, value, headers),) = world.broker.sent
        letter = dead_letters.parse(Record(Partition(topic, 0), 0, key, value, tuple(headers), 0))
        assert topic == "seedcast.dead-letters"
        assert (
            letter.topic,
            letter.partition,
            letter.offset,
            letter.stage,
            letter.key,
            letter.value,
        ) == (
            "seedcast.audio",
            1,
            9,
            "postprocess",
            b"key",
            b"\xff",
        )

    play(scene)


def test_a_campaign_that_is_cancelled_meanwhile_stores_nothing_more() -> None:
    async def scene(world: World) -> None:
        await world.deliver(encode_synthesis(audio(1)))
        world.cancelled = frozenset({"night-1"})
        await world.deliver(encode_synthesis(audio(2)))
        assert [result.status for result in world.broker.results()] == ["succeeded", "cancelled"]
        assert len(list(world.store.list())) == 1

    play(scene)


def test_no_bulk_record_is_rendered_while_urgent_work_is_in_hand() -> None:
    async def scene(world: World) -> None:
        urgent_idle = asyncio.Event()
        bulk = asyncio.create_task(
            world.deliver(VALUE, RenderSlots(asyncio.Semaphore(2), after=urgent_idle))
        )
        await world.deliver(encode_synthesis(audio(2)))
        assert [result.request_id for result in world.broker.results()] == ["request-00002"]
        _, waiting = await asyncio.wait({bulk}, timeout=0.3)
        assert waiting == {bulk}
        urgent_idle.set()
        await bulk
        assert [result.request_id for result in world.broker.results()] == [
            "request-00002",
            "request-00001",
        ]

    play(scene)
