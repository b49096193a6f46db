"""Lets a stream's batches begin with an event, so that an idle worker does not wake up for none."""

import asyncio
from typing import Any


class IdleWait:
    """Changes how `take_events` of this stream waits.

    Faust wakes up after each `within`, also if nothing has come: at 50 ms and two agents that is
    most of what an idle worker costs. With this its timeout begins only when an event is on its
    way: one that a processor has seen and no batch has held yet.
    """

    def __init__(self, stream: Any) -> None:
        self._wait = stream.wait_for_stopped
        self._on_its_way = 0  # events
        self._came = asyncio.Event()
        stream.add_processor(self._see)
        stream.wait_for_stopped = self._wait_for_stopped

    def took(self, events: int) -> None:
        """Tell it the size of each batch."""
        self._on_its_way -= events

    def _see(self, value: Any) -> Any:
        self._on_its_way += 1
        self._came.set()
        return value

    async def _wait_for_stopped(self, *events: Any, timeout: float | None = None) -> bool:
        if not self._on_its_way:
            self._came.clear()
            if await self._wait(self._came):
                return True
        return bool(await self._wait(*events, timeout=timeout))
