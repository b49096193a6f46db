"""The first rows of uploaded lists, read by a process for each: the gateway never reads a list."""

import asyncio
import os
import sys
from contextlib import suppress

import msgspec
import structlog

from seedcast.metrics import GATEWAY_PREVIEWS
from seedcast.producers.gateway.problems import Problem, unavailable
from seedcast.producers.staging.list_job import ListOptions
from seedcast.producers.staging.preview import ListPreview, PreviewJob
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.files import StoredFile
from seedcast.storage.objects import ObjectStore
from seedcast.storage.uploaded_files import content_key

log = structlog.get_logger(__name__)
COMMAND = (sys.executable, "-m", "seedcast.cli.previewer")
LARGEST = 256 * 1024 * 1024  # bytes of a list: all of it is copied before its first row is read
MEMORY = 512  # MiB of a process
PATIENCE = 20.0  # seconds until a place is free
SECONDS = 30.0  # of a process; it takes two on an idle core
ANSWER = 4 * 1024 * 1024  # bytes; five rows of the longest texts are half of it


class Previews:
    """For one event loop."""

    def __init__(self, settings: GatewaySettings, store: ObjectStore) -> None:
        self._store, self._places = store, asyncio.Semaphore(settings.previews)

    async def of(self, file: StoredFile, options: ListOptions) -> ListPreview:
        """Return what the first rows would be with these options. Raises Problem: 413, 503."""
        if file.bytes > LARGEST:
            message = f"a list of more than {LARGEST:,} bytes has no preview: check it"
            raise Problem(413, "too_large_to_preview", message)
        job = PreviewJob(
            uri=self._store.uri(content_key(file.file_id)),
            filename=file.filename,
            memory=MEMORY,
            options=options,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            raise unavailable("too many lists are looked at on this gateway") from None
        try:
            return await _run(job)
        finally:
            self._places.release()


async def _run(job: PreviewJob) -> ListPreview:
    """Raises Problem 503 where the process does not tell anything in time."""
    # Arrow's own allocator reserves addresses that the limit of data would count.
    environment = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=pipe, stdout=pipe, env=environment, start_new_session=True, limit=ANSWER
    )
    try:
        async with asyncio.timeout(SECONDS):
            line = await _answer(process, msgspec.json.encode(job) + b"\n")
        found = msgspec.json.decode(line, type=ListPreview)
        GATEWAY_PREVIEWS.labels("shown").inc()
        return found
    except (TimeoutError, msgspec.DecodeError, ValueError, ConnectionError) as error:
        GATEWAY_PREVIEWS.labels("ended").inc()
        log.warning("preview_ended", code=process.returncode, problem=type(error).__name__)
        raise unavailable(
            "the list could not be looked at: it needs too long, or too much"
        ) from None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _answer(process: asyncio.subprocess.Process, job: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("its pipes were not asked for")
    process.stdin.write(job)  # and it stays open: its end would end the process
    return await process.stdout.readline()
