"""Faust's consumer, which serves the urgent topic first, without two waits of a second each, and without its search for stalls, which ends the app.

The waits held this app at half of what the processor could do (75 of 165 records a second).
"""

import logging
from typing import Any

from faust.transport.drivers import aiokafka as driver
from mode.threads import WorkerThread

POLL = 0.02  # seconds
FETCH_WAIT_MS = 50
LOGGER = logging.getLogger(
    "faust.seedcast"
)  # as silent as Faust's own; a subclass would take this module's


class _DaemonThread(WorkerThread):
    """After a crash the thread may never end; it must not keep the process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.daemon = True


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    """aiokafka has one fetch under way for each broker: while it waits for empty partitions, full ones wait, too. Faust fixes that at 1.5 s."""

    logger = LOGGER

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        """aiokafka hands out one partition after another: an urgent record would wait until all that was prefetched of the others is taken (2 s)."""
        app: Any = self.app  # ours, of configuration
        first = {
            partition
            for partition in active_partitions or ()
            if partition.topic == app.served_first
        }
        if first and (
            found := await super()._fetch_records(
                consumer, first, timeout=0, max_records=max_records
            )
        ):
            return found
        return await super()._fetch_records(
            consumer, active_partitions, timeout=timeout, max_records=max_records
        )


class _Consumer(driver.Consumer):
    """Faust looks only once a second whether a full buffer has been emptied: at 100 records a second that is most of the time."""

    logger = LOGGER

    def _new_consumer_thread(self) -> Any:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon, Worker=_DaemonThread)

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        active = self._get_active_partitions()
        if self.flow_active and not active:
            await self.sleep(POLL)
            return {}, active
        return await super()._wait_next_records(min(timeout, POLL))

    async def verify_all_partitions_active(self) -> None:
        """Would only log what it finds, and fails an assertion, and with it the app, while a partition looks for its position. The watchdog finds a hang."""


class Transport(driver.Transport):
    Consumer = _Consumer
