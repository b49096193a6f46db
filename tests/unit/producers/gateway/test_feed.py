"""What listeners are told, and what it costs."""

import asyncio
from typing import Any, cast

import pytest

from seedcast.producers.gateway import feed as feed_module
from seedcast.producers.gateway.feed import Feed, Listener
from seedcast.storage.index.changes import Change
from tests.builders.page_index import PageIndex, a_campaign


class Changing(PageIndex):
    asked = 0  # how often

    def newest_change(self) -> int:
        return 0

    def changes(self, after: int, **_: object) -> list[Change]:
        self.asked += 1
        return [Change(after + 1, each) for each in self.known]


def test_a_change_is_asked_for_and_encoded_once_for_all_who_listen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_module, "INTERVAL", 0.05)
    index = Changing(known=[a_campaign("mine")])
    feed = Feed(cast(Any, index))

    async def told(listener: Listener) -> bytes:
        return (await listener.changes(5.0))[0].event

    async def listen() -> list[bytes]:
        async with (
            feed.listening("bank", None) as first,
            feed.listening("bank", "mine") as second,
            feed.listening("bank", "another") as other,
            feed.listening("clinic", None) as others,
        ):
            assert feed.listeners == 4
            events = await asyncio.gather(told(first), told(second))
            assert index.asked == 1
            assert await other.changes(0.0) == await others.changes(0.0) == []
            return events

    events = asyncio.run(listen())
    assert events[0] is events[1]
    assert b"event: campaign" in events[0]
    assert feed.listeners == 0
