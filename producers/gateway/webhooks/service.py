"""Webhooks of one gateway: it looks for events, and delivers them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from seedcast.errors import SeedcastError
from seedcast.metrics import WEBHOOK_OVERDUE
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.webhooks.calling import Caller
from seedcast.producers.gateway.webhooks.delivering import Deliverer
from seedcast.producers.gateway.webhooks.endpoints import Endpoints
from seedcast.producers.gateway.webhooks.watching import Watch
from seedcast.settings import Settings
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.deliveries import Deliveries
from seedcast.storage.accounts.webhook_secrets import Sealer
from seedcast.storage.index.indexed import IndexedCampaign

log = structlog.get_logger(__name__)
MEASURED = 15.0  # seconds between two looks how long deliveries wait


class WebhookService:
    """For one event loop. Raises InvalidSettings."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        index: OpenIndex,
        on_change: Callable[[IndexedCampaign], object],
    ) -> None:
        self._deliveries = accounts.deliveries
        self._has_index = bool(settings.index.url)  # without one no campaign is seen
        sealer = Sealer(settings.webhooks, settings.accounts)
        self._caller = Caller(settings.webhooks)
        self._deliverer = Deliverer(settings.webhooks, accounts.deliveries, sealer, self._caller)
        kept = timedelta(days=settings.gateway.keep_days)
        self._watch = Watch(index, accounts.outbox, kept, self._deliverer.wake, on_change)
        self.endpoints = Endpoints(settings.webhooks, accounts, sealer, self._deliverer.wake)

    def close(self) -> None:
        self._caller.close()

    async def run(self) -> None:
        """Work until cancelled; then hand back what is under way."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deliverer.run())
            if self._has_index:
                group.create_task(self._watch.run())
            group.create_task(_measure(self._deliveries))


async def _measure(deliveries: Deliveries) -> None:
    """Say how long deliveries wait that could be made. Never returns."""
    while True:
        now = datetime.now(UTC)
        try:
            due = await asyncio.to_thread(deliveries.oldest_due, now)
        except SeedcastError as error:
            log.warning("deliveries_unmeasured", problem=str(error), next="tried again")
        else:
            WEBHOOK_OVERDUE.set(0 if due is None else (now - due).total_seconds())
        await asyncio.sleep(MEASURED)
