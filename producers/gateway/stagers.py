"""Processes that check and stage lists for this gateway: it never reads a list itself.

A list is leased from the accounts' database, so that another replica takes it up where this one
ends. A process ends with its gateway. Only the campaign's record commits a staging, so a list that
is staged twice, or half, makes no campaign twice, or half.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import msgspec
import structlog

from seedcast.errors import Retryable, SeedcastError
from seedcast.metrics import GATEWAY_STAGINGS
from seedcast.producers.gateway.uploads import Uploads
from seedcast.producers.staging.list_job import ListJob, ListProgress, StagedOptions
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.files import StoredFile
from seedcast.storage.accounts.stagings import Staging, StagingState
from seedcast.storage.objects import ObjectStore
from seedcast.storage.uploaded_files import content_key, report_key

log = structlog.get_logger(__name__)

COMMAND = (sys.executable, "-m", "seedcast.cli.stager")
PURPOSE = "campaign"  # of a list that came as a campaign's body: its file goes with the staging
POLL = 2.0  # seconds between two looks for lists that other replicas queued, or left
UNAVAILABLE = 75  # the exit code that says: try later
PAUSE = timedelta(seconds=10)  # before a list is tried again
SILENT = 900.0  # seconds without a line: the process hangs


class Stagers:
    """For one event loop."""

    def __init__(
        self, settings: GatewaySettings, accounts: Accounts, uploads: Uploads, store: ObjectStore
    ) -> None:
        self._settings, self._store, self._uploads = settings, store, uploads
        self._files, self._stagings = accounts.files, accounts.stagings
        self._lease = timedelta(seconds=settings.lease)
        self._owner = token_hex(8)
        self._asked = asyncio.Event()

    def wake(self) -> None:
        """A list was queued."""
        self._asked.set()

    async def run(self) -> None:
        """Work until cancelled; then hand back what is not done."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.stagers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            self._asked.clear()
            staging = None
            try:
                staging = await self._take()
                if staging is not None:
                    await self._stage(staging)
            except (SeedcastError, OSError) as error:  # OSError: no process can be started
                log.warning("staging_waits", problem=str(error), next="looked at again")
            if staging is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), POLL)

    async def _take(self) -> Staging | None:
        now = datetime.now(UTC)
        for name in await asyncio.to_thread(self._stagings.give_up, now):
            GATEWAY_STAGINGS.labels("failed").inc()
            log.error("staging_given_up", campaign=name)
        return await asyncio.to_thread(self._stagings.take, self._owner, now, self._lease)

    async def _stage(self, staging: Staging) -> None:
        now = datetime.now(UTC)
        file = await asyncio.to_thread(self._files.find, staging.file_id, staging.tenant, now)
        if file is None:
            await self._end(staging, "failed", ListProgress())
            return
        log.info("staging", campaign=staging.campaign_id, bytes=file.bytes, job=staging.job_id)
        run = _Run(self._job(staging, file), self._settings.lease)
        try:
            await run.start()
            code = await run.follow(lambda: self._renew(staging, run))
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(staging, run))
            raise
        finally:
            await run.kill()
        if run.last.end is not None:
            await self._end(staging, run.last.end, run.last)
            await self._discard(file)
        else:
            until, is_attempt = datetime.now(UTC) + PAUSE, code != UNAVAILABLE
            log.warning("stager_ended", code=code, campaign=staging.campaign_id)
            await asyncio.to_thread(self._stagings.release, staging, until, counts=is_attempt)

    def _job(self, staging: Staging, file: StoredFile) -> ListJob:
        return ListJob(
            campaign_id=staging.campaign_id,
            tenant=staging.tenant,
            is_check=staging.is_check,
            uri=self._store.uri(content_key(file.file_id)),
            filename=file.filename,
            report_key=report_key(staging.job_id),
            memory=self._settings.stager_memory,
            options=msgspec.json.decode(staging.options, type=StagedOptions),
        )

    async def _renew(self, staging: Staging, run: "_Run") -> bool:
        """Keep the lease; False if another replica has it. An outage of the database is no end."""
        try:
            return await asyncio.to_thread(
                self._stagings.renew,
                staging,
                datetime.now(UTC),
                self._lease,
                _counts(run.last),
                run.last.waiting,
            )
        except Retryable as error:
            log.warning("lease_not_renewed", problem=str(error), next="tried again")
            return True

    async def _leave(self, staging: Staging, run: "_Run") -> None:
        await run.kill()
        now = datetime.now(UTC)
        try:
            await asyncio.to_thread(self._stagings.release, staging, now, counts=False)
        except SeedcastError as error:
            log.warning("lease_kept", problem=str(error), next="it runs out")

    async def _end(self, staging: Staging, state: StagingState, last: ListProgress) -> None:
        """Write how it ended, as soon as the database answers."""
        end = self._stagings.end
        while True:
            try:
                await asyncio.to_thread(end, staging, state, datetime.now(UTC), _counts(last))
            except Retryable as error:
                log.warning("end_not_written", problem=str(error), next="tried again")
                await asyncio.sleep(POLL)
            else:
                GATEWAY_STAGINGS.labels(state).inc()
                log.info("staged", campaign=staging.campaign_id, state=state, rows=last.rows)
                return

    async def _discard(self, file: StoredFile) -> None:
        if file.purpose == PURPOSE:
            await self._uploads.delete(file.file_id)


class _Run:
    """One process, and what it has told."""

    def __init__(self, job: ListJob, lease: float) -> None:
        self._job, self._lease = job, lease
        self.last = ListProgress()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        # Arrow's own allocator reserves addresses that the limit of data would count.
        environment = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"}
        self._process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        if self._process.stdin:
            self._process.stdin.write(msgspec.json.encode(self._job) + b"\n")

    async def follow(self, renew: Callable[[], Awaitable[bool]]) -> int:
        """Return the process's exit code. `renew` is called again and again; False ends it."""
        process = self._process
        if process is None or process.stdout is None:
            raise RuntimeError("start it first")
        reading = asyncio.create_task(self._read(process.stdout))
        heard, told = time.monotonic(), self.last
        try:
            while not (await asyncio.wait([reading], timeout=self._lease / 3))[0]:
                if self.last is not told:
                    heard, told = time.monotonic(), self.last
                if time.monotonic() - heard > SILENT or not await renew():
                    await self.kill()
            await reading
        finally:
            reading.cancel()
        return await process.wait()

    async def _read(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            with suppress(msgspec.DecodeError):  # half a line of one that was killed
                self.last = msgspec.json.decode(line, type=ListProgress)

    async def kill(self) -> None:
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def _counts(progress: ListProgress) -> tuple[int, int, int]:
    return progress.rows, progress.accepted, progress.rejected
