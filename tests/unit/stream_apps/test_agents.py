"""An urgent record is done once gateways have its result; nothing else waits for gateways."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from seedcast.catalog import profiles
from seedcast.codec import decode_result, encode_synthesis
from seedcast.health import Readiness
from seedcast.schemas.messages import RawAudio, Rejected
from seedcast.settings import Settings
from seedcast.storage.memory_store import MemoryStore
from seedcast.stream_apps.postprocess import acks
from seedcast.stream_apps.postprocess.agents import Agents
from seedcast.stream_apps.postprocess.render import RenderContext
from tests.builders.records import audio, rejected

SETTINGS = Settings()
NORMAL, URGENT = "seedcast.audio", "seedcast.audio.urgent"
RESULTS, URGENT_RESULTS = "seedcast.results", "seedcast.results.urgent"


class Message(SimpleNamespace):
    """A double of Faust's message."""

    __hash__ = object.__hash__


class Stream:
    """A double of Faust's stream: a batch is acknowledged when the next one is asked for."""

    def __init__(self) -> None:
        self.batches, self.acknowledged = asyncio.Queue[list[Any]](), asyncio.Event()

    def add_processor(self, _: object) -> None:
        pass

    async def wait_for_stopped(self, *_: object, **__: object) -> bool:
        return False

    async def take_events(self, _: int, within: float) -> AsyncIterator[list[Any]]:
        while True:
            yield await self.batches.get()
            self.acknowledged.set()


class World:
    """Both agents at work. `results.urgent` acknowledges nothing before `answers` is set."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []  # topic, request id, value
        self.answers, self._came = asyncio.Event(), asyncio.Condition()
        self._agents: dict[str, Callable[[Any], Coroutine[Any, Any, None]]] = {}
        app: Any = SimpleNamespace(
            agent=lambda _, name, **__: lambda agent: self._agents.update({name: agent}),
            topic=lambda name: name,
            producer=SimpleNamespace(send=self._send),
            consumer=SimpleNamespace(unacked=set(), assignment=set, commit_starts=lambda _: None),
            consumer_generation_id=1,
            on_partitions_assigned=SimpleNamespace(connect=lambda *_, **__: None),
        )
        store = MemoryStore()
        table = profiles.load(SETTINGS.postprocess)
        self.agents = Agents(
            app,
            SETTINGS,
            RenderContext.of(SETTINGS.postprocess, table, store),
            store,
            lambda: None,
            Readiness(),
            frozenset,
            frozenset,
        )
        self.streams = {name: Stream() for name in self._agents}
        self.tasks = [
            asyncio.create_task(agent(self.streams[name])) for name, agent in self._agents.items()
        ]

    async def _send(self, topic: str, key: bytes, value: bytes, *_: object) -> Awaitable[None]:
        async with self._came:
            self.sent.append((topic, decode_result(value).request_id, value))
            self._came.notify_all()
        waits = self.answers.wait() if topic == URGENT_RESULTS else asyncio.sleep(0)
        return asyncio.ensure_future(waits)  # type: ignore[arg-type]

    async def has_sent(self, topic: str, number: int) -> bytes:
        def found() -> list[bytes]:
            place = topic, f"request-{number:05d}"
            return [value for *where, value in self.sent if tuple(where) == place]

        async with self._came:
            await self._came.wait_for(found)
        return found()[0]

    def arrive(self, topic: str, *syntheses: RawAudio | Rejected) -> None:
        """Put a batch on the stream of the topic."""
        self.streams[topic].batches.put_nowait(
            [
                SimpleNamespace(
                    message=Message(
                        tp=TP(topic, 0),
                        topic=topic,
                        partition=0,
                        offset=offset,
                        generation_id=1,
                        key=b"key",
                        value=encode_synthesis(synthesis),
                        headers=None,
                        timestamp=0,
                    )
                )
                for offset, synthesis in enumerate(syntheses)
            ]
        )


def play(
    monkeypatch: pytest.MonkeyPatch, scene: Callable[[World], Coroutine[Any, Any, None]]
) -> None:
    offsets = SimpleNamespace(refuse_gap=lambda *_: {})
    monkeypatch.setattr(acks, "GroupOffsets", lambda _: offsets)

    async def stage() -> None:
        world = World()
        try:
            async with asyncio.timeout(30):
                await scene(world)
        finally:
            for task in world.tasks:
                task.cancel()
            await asyncio.gather(*world.tasks, return_exceptions=True)
            world.agents.close()

    asyncio.run(stage())


def test_an_urgent_record_is_acknowledged_once_both_topics_have_its_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(world: World) -> None:
        world.arrive(URGENT, audio(1), rejected(2))
        for number in (1, 2):
            value = await world.has_sent(URGENT_RESULTS, number)
            places = [topic for topic, _, sent in world.sent if sent == value]
            assert places == [RESULTS, URGENT_RESULTS]
        assert not world.streams[URGENT].acknowledged.is_set()
        assert not world.agents.idle
        world.answers.set()
        await world.streams[URGENT].acknowledged.wait()
        assert world.agents.idle

    play(monkeypatch, scene)


def test_a_normal_record_goes_to_results_alone_and_waits_for_no_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(world: World) -> None:
        world.arrive(URGENT, audio(1))
        await world.has_sent(URGENT_RESULTS, 1)
        world.arrive(NORMAL, audio(2))
        await world.streams[NORMAL].acknowledged.wait()
        assert not world.streams[URGENT].acknowledged.is_set()
        assert [(topic, id_) for topic, id_, _ in world.sent] == [
            (RESULTS, "request-00001"),
            (URGENT_RESULTS, "request-00001"),
            (RESULTS, "request-00002"),
        ]

    play(monkeypatch, scene)
