"""An idle stream wakes nobody, and the timeout of a batch begins with its first event."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from seedcast.stream_apps.postprocess.idle_wait import IdleWait

WITHIN = 0.01  # seconds
LONG = 30 * WITHIN


class Stream:
    """What IdleWait uses of Faust's stream."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.see: Callable[[object], object] = lambda _: None

    def add_processor(self, processor: Callable[[object], object]) -> None:
        self.see = processor

    async def wait_for_stopped(self, *events: Any, timeout: float | None = None) -> bool:
        waiting = [asyncio.create_task(event.wait()) for event in (*events, self.stopped)]
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        return self.stopped.is_set()


async def ends(task: "asyncio.Task[bool]") -> bool:
    """True if it ends by itself within a time in which a batch's timeout passes many times."""
    done, _ = await asyncio.wait({task}, timeout=LONG)
    return bool(done)


def wait(stream: Stream) -> "asyncio.Task[bool]":
    return asyncio.create_task(stream.wait_for_stopped(asyncio.Event(), timeout=WITHIN))


def test_nothing_wakes_up_before_an_event_comes_and_after_each_has_been_taken() -> None:
    async def run() -> None:
        stream = Stream()
        idle_wait = IdleWait(stream)
        waiting = wait(stream)
        assert not await ends(waiting)
        assert stream.see("text") == "text"
        assert await ends(waiting)
        assert await ends(wait(stream)), "an event that no batch has held yet is waited for"
        stream.see("text")
        idle_wait.took(2)
        assert not await ends(wait(stream))

    asyncio.run(run())


@pytest.mark.parametrize("events", [0, 1])
def test_a_stream_that_stops_ends_the_wait(events: int) -> None:
    async def run() -> None:
        stream = Stream()
        IdleWait(stream)
        for _ in range(events):
            stream.see("text")
        waiting = wait(stream)
        stream.stopped.set()
        assert await waiting

    asyncio.run(run())
