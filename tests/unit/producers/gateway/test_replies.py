"""Who waits for a request gets its result; nobody waits for ever, and no number without a bound."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from queue import Empty, Queue
from typing import Any

import pytest

from seedcast import metrics
from seedcast.codec import encode_json
from seedcast.errors import Retryable, TopicMismatch
from seedcast.kafka import Partition, Record
from seedcast.producers.gateway.replies import Replies
from seedcast.schemas.messages import SpeechResult
from seedcast.settings import Settings

ID, OTHER = "request-00001", "request-00002"


class MemoryReader:
    """A double of the reader: hands out what it is given, and raises the errors among that."""

    def __init__(self) -> None:
        self.given: Queue[Record | Exception] = Queue()
        self.closed = self._taken = False
        self._offsets = count()

    def give(self, request_id: str, value: bytes | None = None) -> None:
        place = Partition("seedcast.results.urgent", 0)
        value = encode_json(a_result(request_id)) if value is None else value
        self.given.put(Record(place, next(self._offsets), request_id.encode(), value, (), 0))

    def poll(self, timeout: float, *, at_once: bool) -> list[Record]:
        assert at_once, "somebody waits"
        if self._taken:
            self._taken = False
            self.given.task_done()  # and dealt with
        try:
            given = self.given.get(timeout=min(timeout, 0.02))
        except Empty:
            return []
        self._taken = True
        if isinstance(given, Exception):
            raise given
        return [given]

    def behind(self, positions: dict[int, int], /) -> int:
        return 100 - positions.get(0, 100)

    def close(self) -> None:
        self.closed = True


def a_result(request_id: str) -> SpeechResult:
    return SpeechResult(request_id=request_id, campaign_id="night-1", status="succeeded")


def play(
    scene: Callable[[Replies, MemoryReader], Coroutine[Any, Any, None]], limit: int = 9
) -> None:
    reader, before = MemoryReader(), metrics.value(metrics.REPLIES_WAITING)
    replies = Replies(Settings(), limit=limit, connect=lambda _: reader)

    async def within_a_minute() -> None:
        async with asyncio.timeout(60):
            await scene(replies, reader)

    try:
        asyncio.run(within_a_minute())
    finally:
        replies.close()
    assert reader.closed
    assert metrics.value(metrics.REPLIES_WAITING) == before


def test_who_waits_gets_the_result_of_that_request_alone() -> None:
    others = metrics.REPLIES.labels("no")._value.get()

    async def scene(replies: Replies, reader: MemoryReader) -> None:
        before = metrics.value(metrics.REPLIES_WAITING)
        waiting = replies.wait(ID)
        assert metrics.value(metrics.REPLIES_WAITING) == before + 1
        reader.give(OTHER)  # another gateway's
        reader.give(ID)
        assert await waiting == a_result(ID)
        later = replies.wait(OTHER)
        reader.give(ID)  # a repeat
        reader.give(OTHER)
        assert await later == a_result(OTHER)
        assert replies.alive

    play(scene)
    assert metrics.REPLIES.labels("no")._value.get() == others + 2


def test_each_of_several_who_wait_for_one_request_gets_its_result() -> None:
    async def scene(replies: Replies, reader: MemoryReader) -> None:
        gone, first, second = (replies.wait(ID) for _ in range(3))
        gone.cancel()
        reader.give(ID)
        assert await asyncio.gather(first, second) == [a_result(ID)] * 2

    play(scene)


def test_no_more_wait_than_the_limit_and_who_gives_up_makes_room() -> None:
    async def scene(replies: Replies, reader: MemoryReader) -> None:
        first = replies.wait(ID)
        with pytest.raises(Retryable, match="at most 1 "):
            replies.wait(OTHER)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(first, 0)
        reader.give(OTHER)
        second = replies.wait(OTHER)
        reader.give(OTHER)
        assert await second == a_result(OTHER)
        replies.wait(ID).cancel()

    play(scene, limit=1)


def test_a_repeat_that_comes_before_the_first_is_handed_over_does_no_harm() -> None:
    problems: list[object] = []

    async def scene(replies: Replies, reader: MemoryReader) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *problem: problems.append(problem))
        waiting = replies.wait(ID)
        reader.give(ID)
        reader.give(ID)
        reader.given.join()  # the loop does nothing meanwhile
        assert await waiting == a_result(ID)

    play(scene)
    assert problems == []


def test_an_unreadable_result_costs_nobody_else_his_own() -> None:
    async def scene(replies: Replies, reader: MemoryReader) -> None:
        waiting, other = replies.wait(ID), replies.wait(OTHER)
        reader.give(ID, b"\xff")
        reader.give(OTHER)
        await other
        assert not waiting.done()
        reader.give(ID)  # as after a repeat
        assert await waiting == a_result(ID)

    play(scene)


def test_an_error_that_ends_reading_reaches_all_who_wait_and_who_come_later() -> None:
    async def scene(replies: Replies, reader: MemoryReader) -> None:
        waiting = [replies.wait(ID), replies.wait(ID), replies.wait(OTHER)]
        reader.given.put(TopicMismatch("the topic is gone"))
        for each in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(each, TopicMismatch)
        assert not replies.alive
        with pytest.raises(TopicMismatch):
            replies.wait(ID)

    play(scene)


def test_who_still_waits_when_it_is_closed_is_told() -> None:
    async def scene(replies: Replies, _: MemoryReader) -> None:
        waiting = replies.wait(ID)
        await asyncio.to_thread(replies.close)
        with pytest.raises(Retryable, match="a gateway that stops"):
            await waiting
        with pytest.raises(Retryable):
            replies.wait(ID)
        assert not replies.alive

    play(scene)


def test_a_loop_that_is_over_costs_nobody_of_another_one_his_result() -> None:
    reader = MemoryReader()
    replies = Replies(Settings(), connect=lambda _: reader)

    async def wait(*, gives: bool) -> None:
        waiting = replies.wait(ID)
        if gives:
            reader.give(ID)
            await asyncio.wait_for(waiting, 60)

    asyncio.run(wait(gives=False))
    asyncio.run(wait(gives=True))
    replies.close()
    assert reader.closed


def test_it_tells_how_far_it_is_behind() -> None:
    async def scene(replies: Replies, reader: MemoryReader) -> None:
        assert replies.behind == 0
        for request_id in (ID, OTHER):
            waiting = replies.wait(request_id)
            reader.give(request_id)
            await waiting
        assert metrics.REPLIES_BEHIND._value.get() in (99, 98)
        assert replies.behind in (99, 98)  # the second record is taken before it is counted

    play(scene)
