"""Looks after batches: queues their files, follows their campaigns, and brings them to an end.

All that is known of a batch is in the accounts' database, so any replica may do the next step, and
one that dies in the midst of it leaves nothing but a lease that runs out.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import structlog

from seedcast.campaigns.campaign_state import FINAL, cancelled
from seedcast.campaigns.campaign_topic import change_campaign
from seedcast.errors import InvalidInput, Retryable, SeedcastError
from seedcast.failpoints import failpoint
from seedcast.metrics import GATEWAY_BATCH_RETRIES, GATEWAY_BATCHES
from seedcast.producers.gateway.batch_files import BatchFiles, Ended, Made
from seedcast.producers.gateway.batch_staging import NO_END, TAKEN, BatchStaging
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.stagers import Stagers
from seedcast.settings import Settings
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.batch_records import Batch, BatchStatus, LineError
from seedcast.storage.accounts.stagings import Staging
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.objects import ObjectStore

log = structlog.get_logger(__name__)
POLL = 1.0  # seconds between two looks for batches that wait
WORKERS = 2  # so that one whose files are made holds up no other
SOON, LATER = timedelta(seconds=0.5), timedelta(seconds=2)  # until the next look at a batch
GONE = LineError(
    code="results_deleted", message="its requests were deleted before its files were made"
)


class BatchKeeper:
    """For one event loop."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        index: OpenIndex,
        store: ObjectStore,
        stagers: Stagers,
    ) -> None:
        self._settings, self._index = settings, index
        self._batches, self._stagers = accounts.batches, stagers
        most = settings.gateway.batch_lines
        self._staging = BatchStaging(accounts.stagings, store, most)
        lifetime = timedelta(days=settings.gateway.file_days)
        self._files = BatchFiles(accounts.files, store, lifetime)
        self._lease = timedelta(seconds=settings.gateway.lease)
        self._threads = ThreadPoolExecutor(WORKERS, "batch")
        self._asked = asyncio.Event()

    def close(self) -> None:
        self._threads.shutdown(wait=False)

    def wake(self) -> None:
        """A batch was made, or is to be cancelled."""
        self._asked.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work(token_hex(8)))

    async def _work(self, owner: str) -> None:
        while True:
            self._asked.clear()
            batch = None
            try:
                now = datetime.now(UTC)
                batch = await asyncio.to_thread(self._batches.take, owner, now, self._lease)
                if batch is not None:
                    await self._look(batch)
            except (SeedcastError, Problem) as error:
                GATEWAY_BATCH_RETRIES.inc()
                name = batch.batch_id if batch else None
                log.warning("batch_waits", batch=name, problem=str(error), next="looked at again")
            if batch is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), POLL)

    async def _look(self, batch: Batch) -> None:
        """Do the next step, and say when the one after is due."""
        match batch.status:
            case "validating":
                await self._validate(batch)
            case "in_progress" | "finalizing":
                await self._follow(batch)
            case "cancelling":
                await self._cancel(batch)

    async def _validate(self, batch: Batch) -> None:
        staging = await asyncio.to_thread(self._staging.find, batch)
        if staging is None:
            await asyncio.to_thread(self._staging.queue, batch)
            self._stagers.wake()
        elif not self._staging.is_own(batch, staging):
            await self._end(batch, "failed", errors=(TAKEN,))
            return
        elif not staging.is_open:
            await self._staged(batch, staging)
            return
        await self._again(batch, SOON)

    async def _staged(self, batch: Batch, staging: Staging) -> None:
        """Take over what the process has found."""
        found = await asyncio.to_thread(self._staging.found, staging)
        if isinstance(found, LineError):
            if found == NO_END:  # it may have died right after it made the campaign
                await self._cancel_campaign(batch)
            await self._end(batch, "failed", errors=(found,))
        elif found.errors:
            await self._end(batch, "failed", errors=found.errors)
        else:
            counts = found.total, found.accepted, found.failed
            await asyncio.to_thread(self._batches.staged, batch, *counts, datetime.now(UTC))
            log.info("batch_staged", batch=batch.batch_id, lines=found.total, failed=found.failed)
            await self._again(batch, timedelta())

    async def _follow(self, batch: Batch) -> None:
        """Count what has ended; once all has, make the files."""
        campaign = await self._campaign(batch)
        if batch.accepted and campaign is None:
            await self._again(batch, LATER)
            return
        if campaign is not None:
            await self._count(batch, campaign)
            record = campaign.campaign
            if record is not None and record.state == "cancelled":  # by an operator
                await asyncio.to_thread(self._batches.cancel, batch.batch_id, datetime.now(UTC))
            if not campaign.progress.complete:
                await self._again(batch, LATER)
                return
        if batch.status == "in_progress":
            await asyncio.to_thread(self._batches.finalizing, batch, datetime.now(UTC))
            await self._again(batch, timedelta())
            return
        await self._finish(Ended(batch=batch, campaign=campaign))

    async def _cancel(self, batch: Batch) -> None:
        """Cancel its campaign, if there is one; once all of it has ended, make the files."""
        staging = await asyncio.to_thread(self._staging.find, batch)
        if staging is not None and staging.is_open:
            await self._again(batch, SOON)
            return
        if batch.accepted is None and staging is not None and staging.state == "done":
            await self._staged(batch, staging)
            return
        campaign = await self._campaign(batch)
        record = campaign.campaign if campaign else None
        if record is None or record.state not in FINAL:
            await self._cancel_campaign(batch)
        if batch.accepted:
            if campaign is None or not campaign.progress.complete:
                await self._again(batch, LATER)
                return
            await self._count(batch, campaign)
        await self._finish(Ended(batch=batch, campaign=campaign))

    async def _cancel_campaign(self, batch: Batch) -> None:
        with suppress(InvalidInput):  # there is none, or it has ended
            name = batch.batch_id
            await asyncio.to_thread(change_campaign, self._settings, name, cancelled)

    async def _finish(self, ended: Ended) -> None:
        batch, campaign = ended.batch, ended.campaign
        if campaign is not None and campaign.pruned_at is not None:
            await self._end(batch, "failed", errors=(GONE,))
            return
        made = await self._made(ended)
        failpoint("batch.finishing")
        status: BatchStatus = "expired" if made.has_expired else "completed"
        if batch.status == "cancelling":
            status = "cancelled"
        await self._end(batch, status, made)

    async def _made(self, ended: Ended) -> Made:
        """Make the files in a thread of their own, and renew the lease meanwhile."""
        index = await self._index.ask(lambda index: index)
        loop = asyncio.get_running_loop()
        making = loop.run_in_executor(self._threads, self._files.make, index, ended)
        every = self._lease.total_seconds() / 3
        while not (await asyncio.wait([making], timeout=every))[0]:
            with suppress(Retryable):  # the next third of the lease tries again
                await self._again(ended.batch, self._lease)
        return await making

    async def _end(
        self,
        batch: Batch,
        status: BatchStatus,
        made: Made | None = None,
        errors: tuple[LineError, ...] | None = None,
    ) -> None:
        now, made = datetime.now(UTC), made or Made()

        def end() -> bool:
            files = {"output": made.output, "error": made.error}
            return self._batches.end(batch, status, now, **files, errors=errors)

        if await asyncio.to_thread(end):
            GATEWAY_BATCHES.labels(status).inc()
            log.info("batch_ended", batch=batch.batch_id, status=status)
        else:  # another replica was first, or it is cancelled: its files are swept
            log.warning("batch_changed", batch=batch.batch_id, next="looked at again")

    async def _count(self, batch: Batch, campaign: IndexedCampaign) -> None:
        """Lines that expire or are cancelled are in neither count, as OpenAI has it."""
        progress = campaign.progress
        failed = (batch.total or 0) - (batch.accepted or 0) + progress.failed
        await asyncio.to_thread(self._batches.counted, batch, progress.succeeded, failed)

    async def _again(self, batch: Batch, after: timedelta) -> None:
        await asyncio.to_thread(self._batches.look_again, batch, datetime.now(UTC) + after)

    async def _campaign(self, batch: Batch) -> IndexedCampaign | None:
        if not batch.accepted:
            return None
        found = await self._index.ask(lambda index: index.campaign(batch.batch_id))
        return found if found and found.campaign else None
