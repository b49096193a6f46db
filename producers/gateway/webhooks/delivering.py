"""Deliveries are taken from the outbox and made, by as many gateways as there are."""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import structlog

from seedcast.errors import SeedcastError
from seedcast.failpoints import failpoint
from seedcast.metrics import WEBHOOK_ATTEMPTS, WEBHOOKS_DISABLED
from seedcast.producers.gateway.webhooks import signing
from seedcast.producers.gateway.webhooks.calling import Answer, Caller
from seedcast.producers.gateway.webhooks.retrying import next_attempt
from seedcast.settings import WebhookSettings
from seedcast.storage.accounts.deliveries import Deliveries, Taken
from seedcast.storage.accounts.webhook_secrets import Sealer, SecretUnreadable

log = structlog.get_logger(__name__)

SLOTS = 64  # calls at once of one gateway; an endpoint has one
POLL = 1.0  # seconds between two looks into the outbox
SPARE = timedelta(seconds=15)  # beside the time of a call, until another gateway takes a delivery
GONE = 410


class Deliverer:
    """For one event loop."""

    def __init__(
        self, settings: WebhookSettings, deliveries: Deliveries, sealer: Sealer, caller: Caller
    ) -> None:
        self._deliveries, self._sealer, self._caller = deliveries, sealer, caller
        self._lease = timedelta(seconds=settings.timeout) + SPARE
        self._patience = timedelta(hours=settings.retry_hours)
        self._owner = token_hex(8)
        self._asked = asyncio.Event()

    def wake(self) -> None:
        """Something was written into the outbox."""
        self._asked.set()

    async def run(self) -> None:
        """Work until cancelled; then hand back what is under way."""
        async with asyncio.TaskGroup() as group:
            free = asyncio.Semaphore(SLOTS)
            while True:
                self._asked.clear()
                await free.acquire()
                taken = await self._take()
                if taken is not None:
                    group.create_task(self._deliver(taken, free))
                    continue
                free.release()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), POLL)

    async def _take(self) -> Taken | None:
        now = datetime.now(UTC)
        try:
            return await asyncio.to_thread(self._deliveries.take, self._owner, now, self._lease)
        except SeedcastError as error:
            log.warning("deliveries_wait", problem=str(error), next="looked at again")
            return None

    async def _deliver(self, taken: Taken, free: asyncio.Semaphore) -> None:
        try:
            failpoint("webhooks.taken")
            answer = await self._call(taken)
            failpoint("webhooks.answered")
            await self._end(taken, answer)
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(taken))
            raise
        except SeedcastError as error:
            log.warning("delivery_kept", problem=str(error), next="made again when its lease ends")
        finally:
            free.release()
            self.wake()  # the next one of its campaign may be due

    async def _call(self, taken: Taken) -> Answer:
        try:
            secrets = [self._sealer.open(each) for each in taken.secrets]
        except SecretUnreadable:
            problem = "its secret was encrypted with a key that SEEDCAST_WEBHOOKS_KEY does not have"
            return Answer(status=None, problem=problem)
        headers = signing.headers(taken.event_id, taken.body, secrets, datetime.now(UTC))
        return await self._caller.post(taken.url, headers, taken.body)

    async def _end(self, taken: Taken, answer: Answer) -> None:
        now, told = datetime.now(UTC), log.bind(webhook=taken.webhook_id, event_id=taken.event_id)
        if answer.problem is None and answer.status is not None:
            await asyncio.to_thread(self._deliveries.delivered, taken, now, answer.status)
            WEBHOOK_ATTEMPTS.labels("delivered").inc()
            told.info("webhook_delivered", type=taken.type, attempt=taken.attempts + 1)
            return
        gone = answer.status == GONE
        again = None if gone else self._again(taken, now)
        reason = await asyncio.to_thread(
            self._deliveries.failed,
            taken,
            now,
            answer.status,
            answer.problem or "",
            again,
            gone=gone,
        )
        WEBHOOK_ATTEMPTS.labels("failed" if again is None else "again").inc()
        told.warning("webhook_failed", problem=answer.problem, attempt=taken.attempts + 1)
        if reason is not None:
            WEBHOOKS_DISABLED.labels("gone" if gone else "failing").inc()
            told.error("webhook_disabled", reason=reason, next="its tenant enables it again")

    def _again(self, taken: Taken, now: datetime) -> datetime | None:
        attempts = taken.attempts + 1
        return next_attempt(attempts, taken.since, now, self._patience, random.random)

    async def _leave(self, taken: Taken) -> None:
        try:
            await asyncio.to_thread(self._deliveries.release, taken, datetime.now(UTC))
        except SeedcastError as error:
            log.warning("lease_kept", problem=str(error), next="it runs out")
