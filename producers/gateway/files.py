"""/v1/files: uploads, as OpenAI's API has them."""

import asyncio
import builtins
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from seedcast.errors import MissingObject
from seedcast.producers.gateway import answers, queries
from seedcast.producers.gateway.batch_content import PURPOSE as BATCH_OUTPUT
from seedcast.producers.gateway.batch_content import BatchContent
from seedcast.producers.gateway.form import Form
from seedcast.producers.gateway.problems import not_found, wrong
from seedcast.producers.gateway.uploads import CONTENT_TYPE, Uploads
from seedcast.storage.accounts.files import Files, StoredFile
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.objects import ObjectStore
from seedcast.storage.uploaded_files import content_key

Purpose = Literal["list", "batch", "user_data"]
PURPOSES: tuple[str, ...] = get_args(Purpose)
PAGE = 10_000  # files at most, and if the query does not say how many
SHORTEST = 3600  # seconds that a file may be asked to live
_SECONDS, _ANCHOR = "expires_after[seconds]", "expires_after[anchor]"


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """A file, in OpenAI's form. Times are Unix time in seconds."""

    id: str
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: str
    object: Literal["file"] = "file"
    status: Literal["processed"] = "processed"


class FileList(msgspec.Struct, frozen=True, kw_only=True):
    data: tuple[FileView, ...]
    has_more: bool
    first_id: str | None = None
    last_id: str | None = None
    object: Literal["list"] = "list"


class FileDeleted(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["file"] = "file"
    deleted: bool = True


class FileRoutes:
    def __init__(self, uploads: Uploads, files: Files, store: ObjectStore) -> None:
        self._uploads, self._files, self._store = uploads, files, store
        self._batches = BatchContent(store)

    async def upload(self, http: Request, key: ApiKey) -> Response:
        """Store the part `file` of a form. Raises Problem."""
        form = Form(http.headers.get("content-type", ""))

        def described() -> tuple[str, str, timedelta]:
            purpose = form.fields.get("purpose", "")
            if purpose not in PURPOSES:
                raise wrong("purpose", f"one of {', '.join(PURPOSES)}")
            return form.filename, purpose, _lifetime(form.fields, self._uploads.lifetime)

        file = await self._uploads.receive(http, key, form.pieces, described)
        return answers.json(view(file))

    async def list(self, http: Request, key: ApiKey) -> Response:
        query = http.query_params
        after = query.get("after")
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise wrong("order", "asc or desc")
        last = await self._uploads.find(after, key) if after is not None else None
        found, has_more = await asyncio.to_thread(
            self._page, key, queries.limit(http, PAGE, PAGE), last, query.get("purpose"), order
        )
        body = FileList(
            data=tuple(view(file) for file in found),
            has_more=has_more,
            first_id=found[0].file_id if found else None,
            last_id=found[-1].file_id if found else None,
        )
        return answers.json(body)

    async def show(self, http: Request, key: ApiKey) -> Response:
        return answers.json(view(await self._found(http, key)))

    async def content(self, http: Request, key: ApiKey) -> Response:
        """Answer with the bytes, as a file to save: no browser is to show what somebody wrote."""
        file = await self._found(http, key)
        if file.purpose == BATCH_OUTPUT:
            return self._batches.answer(file, key, _headers(file))
        pieces = self._store.pieces(self._store.uri(content_key(file.file_id)))
        try:
            first = await asyncio.to_thread(next, pieces, b"")  # what is wrong is told before
        except MissingObject:
            raise not_found("the file") from None

        async def body() -> AsyncIterator[bytes]:
            yield first
            while piece := await asyncio.to_thread(next, pieces, b""):
                yield piece

        headers = {"content-length": str(file.bytes)} | _headers(file)
        return StreamingResponse(body(), headers=headers, media_type=CONTENT_TYPE)

    async def delete(self, http: Request, key: ApiKey) -> Response:
        file = await self._found(http, key)
        await self._uploads.delete(file.file_id)
        return answers.json(FileDeleted(id=file.file_id))

    async def _found(self, http: Request, key: ApiKey) -> StoredFile:
        return await self._uploads.find(http.path_params["file_id"], key)

    def _page(
        self, key: ApiKey, limit: int, last: StoredFile | None, purpose: str | None, order: str
    ) -> tuple[builtins.list[StoredFile], bool]:
        return self._files.page(
            key.tenant,
            datetime.now(UTC),
            limit=limit,
            after=last,
            purpose=purpose,
            newest_first=order == "desc",
        )


def view(file: StoredFile) -> FileView:
    return FileView(
        id=file.file_id,
        bytes=file.bytes,
        created_at=int(file.created_at.timestamp()),
        expires_at=int(file.expires_at.timestamp()),
        filename=file.filename,
        purpose=file.purpose,
    )


def _headers(file: StoredFile) -> dict[str, str]:
    return {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }


def _lifetime(fields: dict[str, str], longest: timedelta) -> timedelta:
    """Return how long the form asks for, if it does. Raises Problem 400."""
    if fields.get(_ANCHOR, "created_at") != "created_at":
        raise wrong(_ANCHOR, "created_at")
    if (text := fields.get(_SECONDS)) is None:
        return longest
    most = int(longest.total_seconds())
    if not (text.isascii() and text.isdigit() and SHORTEST <= int(text[:12]) <= most):
        raise wrong(_SECONDS, f"{SHORTEST} to {most}")
    return timedelta(seconds=int(text))
