"""Faust's consumer with six changes.

1. It reads the urgent topic first.
2. It removes two waits of about a second each, which halved the throughput (75 instead of 165
   records per second).
3. It removes Faust's stall detection, which can crash the app.
4. It reads again what a fetch returns while partitions move, which Faust drops.
5. It commits where partitions begin of which nothing is committed. Faust commits only what it has
   read, and to an autoscaler a partition without a commit has lag for ever.
6. It waits while the brokers refuse it, which ends Faust's app.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.threads import WorkerThread

log = structlog.get_logger(__name__)

POLL = 0.02  # seconds
REFUSED = 1.0  # seconds between two fetches that the brokers refuse
IDLE = 1.0  # seconds, while no partition waits for its buffer
FETCH_WAIT_MS, IDLE_FETCH_WAIT_MS = 50, 1000
IDLE_AFTER = 5.0  # seconds without a record: a full buffer of slow renditions is shorter
AuthorizationError = (GroupAuthorizationFailedError, TopicAuthorizationFailedError)
# As quiet as Faust's own logger; a subclass would otherwise log under this module's name.
LOGGER = logging.getLogger("faust.seedcast")


async def _commit_unless_refused(commit: Any, offsets: Any) -> None:
    """Let Faust commit again later what the brokers refuse for now.

    It ends the app for any error but one: that a rebalance came first.
    """
    try:
        await commit(offsets)
    except AuthorizationError as error:
        log.warning("commit_failed", problem=repr(error), next="the next commit covers it")
        raise CommitFailedError(f"refused, as if already rebalanced: {error}") from error


class _DaemonThread(WorkerThread):
    """After a crash the thread may never end; it must not keep the process alive."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.daemon = True


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    """Shortens the wait of a fetch, which Faust fixes at 1.5 s.

    aiokafka has one fetch under way per broker: while it waits for empty partitions, full ones
    wait, too. An idle worker has none to make wait, and asks less often.
    """

    _last_record = 0.0  # on time.monotonic

    logger = LOGGER

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer.commit = partial(_commit_unless_refused, consumer.commit)
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        try:
            records = await self._fetch_urgent_first(
                consumer, active_partitions, timeout, max_records
            )
        except AuthorizationError as error:
            log.warning(
                "unavailable", boundary="broker", problem=f"{type(error).__name__}: {error}"
            )
            await asyncio.sleep(REFUSED)
            return {}
        if records:
            self._last_record = time.monotonic()
        return records if self.consumer.flow_active else self._put_back(consumer, records)

    async def _fetch_urgent_first(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None,
        max_records: int | None,
    ) -> Any:
        """Fetch from urgent partitions first.

        aiokafka hands out one partition after another, so an urgent record would wait until
        everything prefetched of the others is taken (2 s).
        """
        app: Any = self.app  # of faust_app
        self._choose_fetch_wait(consumer)
        urgent = {tp for tp in active_partitions or () if tp.topic == app.served_first}
        fetch = super()._fetch_records
        if urgent and (
            records := await fetch(consumer, urgent, timeout=0, max_records=max_records)
        ):
            return records
        return await fetch(consumer, active_partitions, timeout=timeout, max_records=max_records)

    def _choose_fetch_wait(self, consumer: Any) -> None:
        is_idle = time.monotonic() - self._last_record > IDLE_AFTER
        consumer._fetcher._fetch_max_wait_ms = IDLE_FETCH_WAIT_MS if is_idle else FETCH_WAIT_MS

    def _put_back(self, consumer: Any, records: Any) -> dict[Any, Any]:
        """Read these records again, later. Returns no records.

        A fetch that was under way when partitions were revoked ends after they are assigned anew,
        with records that Faust drops. Faust then seeks to what is committed, which moves no
        partition of which nothing is: its next commit would have passed the dropped records.
        """
        for tp, fetched in records.items():
            if tp in consumer.assignment():
                consumer.seek(tp, fetched[0].offset)
        return {}


class _Consumer(driver.Consumer):
    """Looks often whether a full buffer has been emptied.

    Faust looks once per second: at 100 records per second that is most of the time.
    """

    logger = LOGGER

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._starts: Mapping[TP, int] = {}
        self._uncommitted: set[TP] = set()  # as Kafka said in this generation

    def commit_starts(self, starts: Mapping[TP, int]) -> None:
        """Commit these beginnings of partitions, with the next commit, where nothing is committed.

        A beginning passes no record that is still there.
        """
        self._starts = starts

    async def seek_to_committed(self) -> Mapping[TP, int]:
        offsets = await super().seek_to_committed()
        self._uncommitted = {ensure_TP(tp) for tp, offset in offsets.items() if offset is None}
        return offsets

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """From here on another owner may commit, until Kafka says again what is committed."""
        self._uncommitted = set()
        await super().on_partitions_revoked(revoked)

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Faust's commit, and after it the beginnings of what it has not committed.

        Faust runs one commit at a time, so no beginning is committed after what was done.
        """
        committed: bool = await super().force_commit(topics, start_new_transaction)
        self._uncommitted = {tp for tp in self._uncommitted if self._committed_offset[tp] is None}
        owned = self._uncommitted & self.assignment()
        starts = {tp: self._starts[tp] for tp in owned if tp in self._starts}
        if starts and await self._commit(starts):
            self._uncommitted -= starts.keys()
        return committed

    def _new_consumer_thread(self) -> Any:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon, Worker=_DaemonThread)

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        active = self._get_active_partitions()
        if self.flow_active and not active:
            await self.sleep(POLL)
            return {}, active
        # A record of a partition that is read ends the wait; only a full buffer must be looked at.
        wait = POLL if self._buffered_partitions else IDLE
        records, fetched_of = await super()._wait_next_records(min(timeout, wait))
        # With records, Faust would drop them now, and seek while it reads already.
        return (records if self.flow_active else None), fetched_of

    async def verify_all_partitions_active(self) -> None:
        """Do nothing; the watchdog finds a hang.

        Faust's search would only log what it finds. While a partition looks for its position, it
        fails an assertion, and the app with it.
        """


class Transport(driver.Transport):
    Consumer = _Consumer
