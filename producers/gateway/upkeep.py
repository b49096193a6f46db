"""What a gateway does by itself: it deletes what is old, and shows that its loop runs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from seedcast.errors import SeedcastError
from seedcast.producers.gateway.uploads import Uploads
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.sessions import Sessions
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


async def forget_claims(accounts: Accounts, kept: timedelta) -> None:
    """Delete the claims that are older than `kept`, again and again. Never returns."""
    while True:
        try:
            count = await asyncio.to_thread(accounts.forget_claims, datetime.now(UTC) - kept)
        except SeedcastError as error:  # others tell of it, too; the next hour tries again
            log.warning("claims_kept", problem=str(error), next="tried again within the hour")
        else:
            if count:
                log.info("claims_forgotten", count=count)
        await asyncio.sleep(INTERVAL)


async def sweep_files(uploads: Uploads) -> None:
    """Delete the files whose time is over, again and again. Never returns."""
    while True:
        try:
            while count := await asyncio.to_thread(uploads.sweep, datetime.now(UTC)):
                log.info("files_swept", count=count)
        except SeedcastError as error:  # the next hour tries again
            log.warning("files_kept", problem=str(error), next="tried again within the hour")
        await asyncio.sleep(INTERVAL)


async def forget_stagings(stagings: Stagings, uploads: Uploads) -> None:
    """Delete what was found in lists as long ago as files live, again and again. Never returns."""
    while True:
        try:
            while count := await asyncio.to_thread(_forget_some, stagings, uploads):
                log.info("stagings_forgotten", count=count)
        except SeedcastError as error:  # the next hour tries again
            log.warning("stagings_kept", problem=str(error), next="tried again within the hour")
        await asyncio.sleep(INTERVAL)


async def forget_sessions(sessions: Sessions, idle: timedelta) -> None:
    """Delete the sessions of the page that are over, again and again. Never returns."""
    while True:
        try:
            if count := await asyncio.to_thread(sessions.forget, datetime.now(UTC), idle):
                log.info("sessions_forgotten", count=count)
        except SeedcastError as error:  # the next hour tries again
            log.warning("sessions_kept", problem=str(error), next="tried again within the hour")
        await asyncio.sleep(INTERVAL)


def _forget_some(stagings: Stagings, uploads: Uploads) -> int:
    old = stagings.old(datetime.now(UTC) - uploads.lifetime)
    for job_id in old:
        uploads.forget_report(job_id)
        stagings.forget(job_id)
    return len(old)
