"""What Faust may acknowledge: no event whose log was cut before it passes unseen, and no fault of the broker passes for a loss."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from faust.types import TP

from seedcast.errors import OffsetsLost, Retryable
from seedcast.kafka import Committed, Partition
from seedcast.settings import Settings
from stream_apps import custody
from stream_apps.configuration import build
from stream_apps.consumer import _Consumer
from stream_apps.custody import Custody
from stream_apps.patience import Patience

PLACE = TP("audio", 0)


class World:
    """A group that has committed 5 of a log that begins at `begins`; the broker answers with `failures` first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begins, self.failures, self.crashed = 0, list[BaseException](), list[BaseException]()
        self.signal: Callable[..., Coroutine[Any, Any, None]] = self._crash
        app: Any = SimpleNamespace(
            consumer=SimpleNamespace(earliest_offsets=self._earliest),
            consumer_generation_id=1,
            on_partitions_assigned=SimpleNamespace(connect=self._connect),
            crash=self._crash,
        )
        monkeypatch.setattr(custody, "Admin", lambda _: SimpleNamespace(refuse_gap=lambda _: {Partition("audio", 0): Committed(5, "")}))
        self.custody = Custody(app, Settings())
        self.patience = Patience(self.custody.leaving, lambda: None)

    async def arrive(self, *offsets: int) -> None:
        events = [SimpleNamespace(message=SimpleNamespace(tp=PLACE, topic="audio", partition=0, offset=offset)) for offset in offsets]
        await self.custody.refuse_gaps(events, self.patience)

    def _connect(self, handler: Callable[..., Coroutine[Any, Any, None]], weak: bool) -> None:
        self.signal = handler

    async def _earliest(self, place: TP) -> dict[TP, int]:
        if self.failures:
            raise self.failures.pop(0)
        return {place: self.begins}

    async def _crash(self, reason: BaseException) -> None:
        self.crashed.append(reason)


def play(monkeypatch: pytest.MonkeyPatch, scene: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def stage() -> None:
        world = World(monkeypatch)
        await world.signal(world, {PLACE})
        await scene(world)

    asyncio.run(stage())


def test_what_was_deleted_between_two_batches_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        await world.arrive(5, 6)
        world.begins = 9
        with pytest.raises(OffsetsLost, match=r"audio\[0\]: 2 records"):
            await world.arrive(9)

    play(monkeypatch, scene)


def test_what_was_deleted_before_the_first_batch_is_missed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        world.begins = 7
        with pytest.raises(OffsetsLost, match=r"audio\[0\]: 2 records"):
            await world.arrive(7, 8)

    play(monkeypatch, scene)


def test_offsets_that_never_held_a_record_are_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        await world.arrive(5, 8, 9)

    play(monkeypatch, scene)


def test_a_broker_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        await world.arrive(5)
        world.begins, world.failures = 9, [KafkaTimeoutError(), TimeoutError()]
        with pytest.raises(OffsetsLost):
            await world.arrive(9)
        assert not world.failures

    play(monkeypatch, scene)


def test_a_question_given_up_is_asked_again_when_the_event_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        await world.arrive(5)
        world.custody.leaving.set()
        world.begins, world.failures = 9, [KafkaTimeoutError()]
        with pytest.raises(Retryable):
            await world.arrive(9)
        with pytest.raises(OffsetsLost):
            await world.arrive(9)

    play(monkeypatch, scene)


def test_a_partition_that_looks_for_its_position_does_not_end_the_app() -> None:
    """aiokafka asserts that it has one, and Faust's search for stalls would ask."""

    def asserts(*_: object) -> None:
        raise AssertionError

    consumer: Any = SimpleNamespace(assignment=lambda: {PLACE}, should_stop=False, verify_event_path=asserts, sleep=asyncio.sleep)
    asyncio.run(_Consumer.verify_all_partitions_active(consumer))


def test_the_first_reason_to_crash_is_the_one_that_is_said(tmp_path: Path) -> None:
    async def scene() -> BaseException | None:
        app = build(Settings(), tmp_path)
        for reason in (OffsetsLost("gone"), RuntimeError("what came of it")):
            app._crash(reason)
        return app.crash_reason

    assert isinstance(asyncio.run(scene()), OffsetsLost)
