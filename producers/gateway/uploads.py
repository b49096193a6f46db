"""Bodies become files: a row in the accounts, the bytes in the object store, or nothing."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import structlog
from starlette.requests import Request

from seedcast.errors import SeedcastError
from seedcast.printing import one_line
from seedcast.producers.gateway.problems import Problem, not_found, unavailable
from seedcast.producers.gateway.pulled_body import Counted, PulledBody, too_large
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.files import FileInUse, Files, QuotaExceeded, StoredFile
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.objects import ObjectStore
from seedcast.storage.uploaded_files import content_key, report_key

log = structlog.get_logger(__name__)
CONTENT_TYPE = "application/octet-stream"  # whatever the client says: nobody is to run it

# Return what is known of a file once its body has ended: its name, purpose and lifetime.
Described = Callable[[], tuple[str, str, timedelta]]


class Uploads:
    def __init__(self, settings: GatewaySettings, files: Files, store: ObjectStore) -> None:
        self._settings, self._files, self._store = settings, files, store
        # Threads of their own: an upload holds one for as long as its client takes.
        self._threads = ThreadPoolExecutor(settings.uploads, "upload")
        self._places = settings.uploads

    def close(self) -> None:
        self._threads.shutdown(wait=False)

    @property
    def lifetime(self) -> timedelta:
        """Of a file that asks for no shorter one."""
        return timedelta(days=self._settings.file_days)

    async def receive(
        self,
        http: Request,
        key: ApiKey,
        of_body: Callable[[Iterable[bytes]], Iterable[bytes]],
        described: Described,
    ) -> StoredFile:
        """Store the file that `of_body` finds in the body.

        Raises Problem: 400, 408, 413, 503; what is broken off leaves nothing.
        """
        most, said = self._settings.upload_bytes, _length(http)
        if said is not None and said > most:
            raise too_large(most)
        if not self._places:
            raise unavailable("as many files as this gateway takes are uploaded at present")
        self._places -= 1
        try:
            file_id = f"file-{token_hex(16)}"
            most = await self._reserve(file_id, key, said)
            return await self._stored(http, file_id, most, of_body, described)
        finally:
            self._places += 1

    async def _reserve(self, file_id: str, key: ApiKey, said: int | None) -> int:
        quota = key.limits.stored_bytes or self._settings.file_bytes
        most, now = self._settings.upload_bytes, datetime.now(UTC)
        try:
            return await asyncio.to_thread(
                self._files.reserve, file_id, key.tenant, key.key_id, quota, said, most, now
            )
        except QuotaExceeded as error:
            message = f"the files of this key may have {quota:,} bytes; {error.left:,} are left"
            headers = {"connection": "close"}
            raise Problem(413, "storage_quota_exceeded", message, headers=headers) from None

    async def _stored(
        self,
        http: Request,
        file_id: str,
        most: int,
        of_body: Callable[[Iterable[bytes]], Iterable[bytes]],
        described: Described,
    ) -> StoredFile:
        body = PulledBody(http)
        stream, loop = Counted(of_body(body), most), asyncio.get_running_loop()
        try:
            await loop.run_in_executor(
                self._threads,
                self._store.put_stream,
                content_key(file_id),
                stream,
                CONTENT_TYPE,
            )
            name, purpose, lifetime = described()
            expires_at = datetime.now(UTC) + lifetime
            end = file_id, one_line(name), purpose, stream.size, stream.sha256, expires_at
            found = await asyncio.to_thread(self._files.store, *end)
        except asyncio.CancelledError:
            body.give_up()  # its thread may still store the object: the sweep will look
            raise
        except Exception:
            await asyncio.to_thread(self._undo, file_id)
            raise
        if found is None:
            await asyncio.to_thread(self._undo, file_id)
            raise unavailable("the upload took too long, and was swept away")
        return found

    def _undo(self, file_id: str) -> None:
        """Remove what there is of an upload. What cannot be removed now, the sweep removes."""
        try:
            self._files.begin_deleting(file_id)
            self._remove(file_id)
        except SeedcastError as error:
            log.warning("upload_left", file=file_id, problem=str(error), next="it is swept")

    async def find(self, file_id: str, key: ApiKey) -> StoredFile:
        """Return a file of the key's tenant. Raises Problem 404."""
        now = datetime.now(UTC)
        found = await asyncio.to_thread(self._files.find, file_id, key.tenant, now)
        if found is None:
            raise not_found("the file")
        return found

    async def delete(self, file_id: str) -> None:
        """Raises Problem 409 while a list is staged from it."""
        try:
            await asyncio.to_thread(self._files.begin_deleting, file_id)
        except FileInUse:
            raise Problem(409, "in_use", "a list is staged from this file at present") from None
        await asyncio.to_thread(self._remove, file_id)

    def sweep(self, now: datetime) -> int:
        """Delete some files whose time is over; return how many. It blocks. Raises Retryable."""
        due = self._files.due(now)
        for file_id in due:
            with suppress(FileInUse):  # a list came in between
                self._files.begin_deleting(file_id)
                self._remove(file_id)
        return len(due)

    def forget_report(self, job_id: str) -> None:
        self._store.delete(self._store.uri(report_key(job_id)))

    def _remove(self, file_id: str) -> None:
        self._store.delete(self._store.uri(content_key(file_id)))
        self._files.forget(file_id)


def _length(http: Request) -> int | None:
    said = http.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else None
