"""What a gateway does by itself: it deletes what is old, and shows that its loop runs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from seedcast import metrics
from seedcast.errors import SeedcastError
from seedcast.producers.gateway.uploads import Uploads
from seedcast.settings import Settings
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.stagings import Stagings
from seedcast.watchdog import Watchdog

log = structlog.get_logger(__name__)
INTERVAL = 3600.0  # seconds
BEAT = 1.0  # seconds
AGAIN = 30.0  # seconds after an error that nobody foresaw


async def keep(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work`, and begin it again after an error that ends it. Never returns.

    Without it the work would stop, and nobody would hear of it while the gateway runs.
    """
    while True:
        try:
            await work()
        except Exception:
            log.exception("work_ended", work=name, next="begun again")
        await asyncio.sleep(AGAIN)


async def beat(limit: float) -> None:
    """Let the process end if its event loop hangs for `limit` seconds. Never returns.

    An orchestrator starts it again then; a hung loop would keep its clients, and be asked by more.
    """
    watchdog = Watchdog(limit)
    try:
        while True:
            await asyncio.sleep(BEAT)
            watchdog.beat()
    finally:
        watchdog.stop()


async def forget(what: str, some: Callable[[], int]) -> None:
    """Delete what is old, again and again. Never returns.

    `some` deletes some of it, and returns how many; 0: no more is old.
    """
    while True:
        try:
            while count := await asyncio.to_thread(some):
                log.info("forgotten", what=what, count=count)
                metrics.GATEWAY_FORGOTTEN.labels(what).inc(count)
        except SeedcastError as error:  # others tell of it, too; the next hour tries again
            log.warning("not_forgotten", what=what, problem=str(error), next="within the hour")
        await asyncio.sleep(INTERVAL)


def forgetting(
    settings: Settings, accounts: Accounts, uploads: Uploads
) -> dict[str, Callable[[], int]]:
    """Return what deletes some of each kind of record that is old."""
    gateway, webhooks = settings.gateway, settings.webhooks
    claimed = timedelta(hours=gateway.idempotency_hours)
    kept, idle = timedelta(days=gateway.keep_days), timedelta(hours=gateway.session_idle_hours)
    patience, shown = timedelta(hours=webhooks.retry_hours), timedelta(days=webhooks.keep_days)
    deliveries = accounts.deliveries
    return {
        "idempotency keys": lambda: accounts.forget_claims(_now() - claimed),
        "files": lambda: uploads.sweep(_now()),
        "stagings": lambda: _forget_stagings(accounts.stagings, uploads),
        "sessions": lambda: accounts.sessions.forget(_now(), idle),
        "deliveries given up": lambda: deliveries.give_up(_now() - patience, _now()),
        "deliveries": lambda: deliveries.forget(_now() - shown),
        "batches": lambda: accounts.batches.forget(_now() - kept),
        "events": lambda: deliveries.forget_events(_now() - kept),
    }


def _now() -> datetime:
    return datetime.now(UTC)


def _forget_stagings(stagings: Stagings, uploads: Uploads) -> int:
    old = stagings.old(_now() - uploads.lifetime)
    for job_id in old:
        uploads.forget_report(job_id)
        stagings.forget(job_id)
    return len(old)
