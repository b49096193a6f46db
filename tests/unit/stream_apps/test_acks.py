"""Gaps in the log end the worker before anything hides them; outages are not taken for gaps."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from faust.types import TP
from structlog.testing import capture_logs

from seedcast.errors import OffsetsLost, Retryable
from seedcast.kafka import Committed, Partition, refuse_gap
from seedcast.settings import Settings
from seedcast.stream_apps.postprocess import acks
from seedcast.stream_apps.postprocess.acks import Acks
from seedcast.stream_apps.postprocess.faust_app import build_app
from seedcast.stream_apps.postprocess.faust_transport import _Consumer

PLACE = TP("audio", 0)


class Message(SimpleNamespace):
    """A double of Faust's message."""

    __hash__ = object.__hash__


class World:
    """A group that has committed offset 5 of a log that begins at `log_start`.

    The broker answers once `answers` is set, with `failures` first.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log_start, self.failures = 0, list[BaseException]()
        self.crashed = list[BaseException]()
        self.answers, self.unacked, self.withheld = threading.Event(), set[Any](), list[int]()
        self.answers.set()
        self.committed: int | None = 5
        self.starts = list[dict[TP, int]]()
        self.signal: Callable[..., Coroutine[Any, Any, None]] = self._crash
        self.app: Any = SimpleNamespace(
            consumer=SimpleNamespace(
                earliest_offsets=self._earliest,
                unacked=self.unacked,
                assignment=lambda: {PLACE},
                commit_starts=self.starts.append,
            ),
            consumer_generation_id=1,
            on_partitions_assigned=SimpleNamespace(connect=self._connect),
            crash=self._crash,
        )
        offsets = SimpleNamespace(refuse_gap=self._committed)
        monkeypatch.setattr(acks, "GroupOffsets", lambda _: offsets)
        self.acks = Acks(self.app, Settings(), lambda: None)

    async def assigned(self, generation: int = 1) -> None:
        self.app.consumer_generation_id = generation
        await self.signal(self, {PLACE})

    async def revoked(self) -> None:
        self.app.rebalance_began()
        await asyncio.sleep(0)  # lets the event loop run

    async def arrive(self, *offsets: int, generation: int = 1) -> int:
        """Return how many of the events are to be worked on."""
        events: list[Any] = [
            SimpleNamespace(message=self._message(offset, generation)) for offset in offsets
        ]
        ours = self.acks.owned(events)
        await self.acks.refuse_gaps(ours)
        return len(ours)

    def _message(self, offset: int, generation: int) -> Message:
        return Message(
            tp=PLACE,
            topic="audio",
            partition=0,
            offset=offset,
            generation_id=generation,
            incref=lambda: self.withheld.append(offset),
        )

    def _connect(self, handler: Callable[..., Coroutine[Any, Any, None]], weak: bool) -> None:
        self.signal = handler

    def _committed(self, _: str, __: list[str]) -> dict[Partition, Committed]:
        self.answers.wait()
        if self.committed is not None:
            refuse_gap("audio", 0, self.committed, self.log_start)
        return {Partition("audio", 0): Committed(self.committed, "", self.log_start)}

    async def _earliest(self, place: TP) -> dict[TP, int]:
        if self.failures:
            raise self.failures.pop(0)
        return {place: self.log_start}

    async def _crash(self, reason: BaseException) -> None:
        self.crashed.append(reason)


def play(
    monkeypatch: pytest.MonkeyPatch,
    scene: Callable[[World], Coroutine[Any, Any, None]],
    assigned: bool = True,
) -> None:
    async def stage() -> None:
        world = World(monkeypatch)
        if assigned:
            await world.assigned()
        await scene(world)

    asyncio.run(stage())


def test_records_deleted_between_two_batches_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        await world.arrive(5, 6)
        world.log_start = 9
        with pytest.raises(OffsetsLost, match=r"audio\[0\]: 2 records"):
            await world.arrive(9)

    play(monkeypatch, scene)


def test_records_deleted_before_the_first_batch_are_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(world: World) -> None:
        await world.acks.refuse_gaps([])
        await asyncio.sleep(0)
        await world.acks._check()  # nothing was deleted by then
        world.log_start = 7
        with pytest.raises(OffsetsLost, match=r"audio\[0\]: 2 records"):
            await world.arrive(7, 8)

    play(monkeypatch, scene)


def test_a_worker_without_events_ends_if_records_were_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(world: World) -> None:
        world.log_start = 9
        await world.assigned()
        with pytest.raises(OffsetsLost):
            await world.acks._check()
        (reason,) = world.crashed
        assert isinstance(reason, OffsetsLost)

    play(monkeypatch, scene, assigned=False)


def test_events_that_arrive_before_the_assignment_wait_for_the_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise a commit of theirs would hide the gap."""

    async def scene(world: World) -> None:
        world.answers.clear()
        world.log_start = 7
        arriving = asyncio.create_task(world.arrive(7))
        await asyncio.sleep(0.05)  # nothing may happen meanwhile
        assert not arriving.done()
        world.answers.set()
        with pytest.raises(OffsetsLost):
            await arriving

    play(monkeypatch, scene, assigned=False)


def test_a_failure_after_a_rebalance_is_retried_before_the_assignment_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(world: World) -> None:
        await world.arrive(5)
        await world.revoked()
        world.app.consumer_generation_id = 2  # Faust reads on before it reports the assignment
        assert await world.arrive(6, generation=1) == 0  # 6 is withheld and read again
        world.failures = [KafkaTimeoutError()]
        assert await world.arrive(5, 8, generation=2) == 2
        assert (world.failures, world.withheld) == ([], [6])

    play(monkeypatch, scene)


def test_nothing_is_started_while_partitions_are_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        await world.arrive(5)
        await world.revoked()
        assert await world.arrive(6) == 0
        await world.assigned(generation=2)
        assert await world.arrive(5, generation=2) == 1

    play(monkeypatch, scene)


def test_a_late_report_of_a_finished_rebalance_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(world: World) -> None:
        world.app.rebalance_began()
        await world.assigned(generation=2)
        await asyncio.sleep(0)
        assert await world.arrive(5, generation=2) == 1

    play(monkeypatch, scene)


def test_offsets_without_a_record_are_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        assert await world.arrive(5, 8, 9) == 3

    play(monkeypatch, scene)


def test_a_broker_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        await world.arrive(5)
        world.log_start, world.failures = 9, [KafkaTimeoutError(), TimeoutError()]
        with pytest.raises(OffsetsLost):
            await world.arrive(9)
        assert not world.failures

    play(monkeypatch, scene)


def test_an_abandoned_lookup_is_repeated_when_the_event_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(world: World) -> None:
        await world.arrive(5)
        world.log_start, world.failures = 9, [KafkaTimeoutError(), KafkaTimeoutError()]
        arriving = asyncio.create_task(world.arrive(9))
        await asyncio.sleep(0)
        await world.revoked()
        with pytest.raises(Retryable):
            await arriving
        await world.assigned(generation=2)
        with pytest.raises(OffsetsLost):
            await world.arrive(9, generation=2)

    play(monkeypatch, scene)


def test_where_nothing_is_committed_the_beginning_is_and_what_is_gone_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(world: World) -> None:
        world.committed, world.log_start = None, 7
        with capture_logs() as logs:
            await world.assigned()
            await world.arrive(7, 8)
        assert world.starts == [{PLACE: 7}]
        assert [log["event"] for log in logs] == ["assigned", "log_truncated"]

    play(monkeypatch, scene, assigned=False)


def test_a_committed_offset_is_not_set_back_to_the_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(world: World) -> None:
        await world.arrive(5)
        assert world.starts == [{}]

    play(monkeypatch, scene)


def test_a_partition_that_looks_for_its_position_does_not_end_the_app() -> None:
    """Faust's search for stalls would ask for it, and aiokafka asserts that it has one."""

    asked: list[object] = []

    consumer: Any = SimpleNamespace(
        assignment=lambda: {PLACE},
        should_stop=False,
        verify_event_path=lambda *place: asked.append(place),
        sleep=asyncio.sleep,
    )
    asyncio.run(_Consumer.verify_all_partitions_active(consumer))
    assert asked == []


def test_the_first_reason_of_a_crash_is_reported() -> None:
    async def scene() -> BaseException | None:
        app = build_app(Settings())
        for reason in (OffsetsLost("gone"), RuntimeError("what came of it")):
            app._crash(reason)
        return app.crash_reason

    assert isinstance(asyncio.run(scene()), OffsetsLost)
