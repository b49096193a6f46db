"""PUT /v1/campaigns/{id}: a list becomes a campaign, or is checked, by a process of its own."""

import asyncio
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from seedcast.catalog.voices import STYLE
from seedcast.errors import InvalidInput, MissingObject
from seedcast.producers.gateway import answers, queries
from seedcast.producers.gateway.bodies import convert, json_of
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.problems import Problem, not_found, wrong
from seedcast.producers.gateway.stagers import PURPOSE, Stagers
from seedcast.producers.gateway.uploads import Uploads
from seedcast.producers.rows.list_format import format_of
from seedcast.producers.rows.request_ids import campaign_id
from seedcast.producers.staging.list_job import ListOptions
from seedcast.schemas.messages import CampaignId
from seedcast.storage.accounts.files import StoredFile
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.accounts.stagings import Staging, Stagings, StagingState
from seedcast.storage.objects import ObjectStore
from seedcast.storage.uploaded_files import report_key

FORMATS = {  # of a list that is the body
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
OPTIONS = (*(name for name in ListOptions.__struct_fields__ if name != "style"), *STYLE)


class CampaignBody(ListOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a list, and the file that it is in."""

    file_id: str


class StagingView(msgspec.Struct, frozen=True, kw_only=True):
    """A list on its way. `reason` and `report` are there once it has ended.

    `refused`: the list is wrong. `failed`: no process came to its end, and nothing exists.
    """

    campaign_id: CampaignId
    state: StagingState
    dry_run: bool
    digest: str
    created_at: datetime
    rows: int
    accepted: int
    rejected: int
    waiting: str | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    report: dict[str, Any] | None = None


class _Found(msgspec.Struct, frozen=True):
    """What the process has stored of its list."""

    reason: str | None
    report: dict[str, Any] | None


class Submissions:
    def __init__(
        self,
        index: OpenIndex,
        stagings: Stagings,
        uploads: Uploads,
        stagers: Stagers,
        store: ObjectStore,
    ) -> None:
        self._index, self._stagings, self._uploads = index, stagings, uploads
        self._stagers, self._store = stagers, store

    async def put(self, http: Request, key: ApiKey) -> Response:
        """Queue a list; answer with 202 and where it is seen. Raises Problem."""
        name, is_check = _name(http), queries.flag(http, "dry_run")
        if not is_check:
            await self._refuse_foreign(name, key)
        if _media(http) == "application/json":
            file, options = await self._named(await json_of(http, CampaignBody), key)
        else:
            options = _of_query(http)
            file = await self._received(http, key, name, options)
        staging = await self._queue(key, name, file, options, is_check)
        where = f"/v1/campaigns/{name}/staging{'?dry_run' if is_check else ''}"
        return answers.json(view(staging), 202, {"location": where})

    async def submit(self, key: ApiKey, name: str, body: CampaignBody, *, is_check: bool) -> None:
        """Queue an uploaded file. Raises Problem."""
        name = _campaign(name)
        if not is_check:
            await self._refuse_foreign(name, key)
        file, options = await self._named(body, key)
        await self._queue(key, name, file, options, is_check)

    async def show(self, http: Request, key: ApiKey) -> Response:
        """Answer with how far a list is, and, once it has ended, with what was found in it."""
        staging = await self.require(_name(http), key, is_check=queries.flag(http, "dry_run"))
        return answers.json(await self.view(staging))

    async def require(self, name: str, key: ApiKey, *, is_check: bool) -> Staging:
        """Raises Problem 404."""
        if (staging := await self.find(name, key, is_check=is_check)) is None:
            raise not_found("the list")
        return staging

    async def view(self, staging: Staging) -> StagingView:
        """Return how far a list is, and, once it has ended, what was found in it."""
        found = None if staging.is_open else await asyncio.to_thread(self._report, staging)
        return view(staging, found)

    async def find(self, name: str, key: ApiKey, *, is_check: bool = False) -> Staging | None:
        """Return the staging of that name, if it is the tenant's own."""
        found = await asyncio.to_thread(self._stagings.find, key.tenant, name, is_check=is_check)
        return found if found and found.tenant == key.tenant else None

    async def _refuse_foreign(self, name: str, key: ApiKey) -> None:
        """Raises Problem 404 where another tenant has a campaign of this name, or makes it.

        Without an index, or where it is behind, the process finds that, too.
        """
        try:
            known = await self._index.ask(lambda index: index.campaign(name))
        except Problem:
            known = None
        if known and known.campaign and known.campaign.tenant != key.tenant:
            raise _taken()
        staging = await asyncio.to_thread(self._stagings.find, key.tenant, name, is_check=False)
        if staging and staging.tenant != key.tenant and staging.state not in ("refused", "failed"):
            raise _taken()

    async def _named(self, body: CampaignBody, key: ApiKey) -> tuple[StoredFile, ListOptions]:
        try:
            file = await self._uploads.find(body.file_id, key)
        except Problem:
            message = "file_id: expected a file of GET /v1/files"
            raise Problem(400, "unknown_file", message, param="file_id") from None
        format_ = _format(file.filename, body.format)
        return file, msgspec.structs.replace(body, format=format_)

    async def _received(
        self, http: Request, key: ApiKey, name: str, options: ListOptions
    ) -> StoredFile:
        filename = f"{name}.{options.format}"

        def described() -> tuple[str, str, timedelta]:
            return filename, PURPOSE, self._uploads.lifetime

        return await self._uploads.receive(http, key, _whole, described)

    async def _queue(
        self, key: ApiKey, name: str, file: StoredFile, options: ListOptions, is_check: bool
    ) -> Staging:
        """Return the staging of the name, which may be there already. Raises Problem 409."""
        digest = _digest(file.sha256, options)
        try:
            staging, replaced = await self._add(key, name, file, digest, options, is_check)
        except Exception:
            await self._discard(file)
            raise
        if staging.file_id != file.file_id:
            await self._discard(file)
        if replaced:
            await asyncio.to_thread(self._uploads.forget_report, replaced)
        _compare(staging, key, digest)
        self._stagers.wake()
        return staging

    async def _add(
        self,
        key: ApiKey,
        name: str,
        file: StoredFile,
        digest: str,
        options: ListOptions,
        is_check: bool,
    ) -> tuple[Staging, str | None]:
        return await asyncio.to_thread(
            self._stagings.add,
            key.tenant,
            name,
            file.file_id,
            digest,
            _encoded(options),
            datetime.now(UTC),
            is_check=is_check,
        )

    async def _discard(self, file: StoredFile) -> None:
        """Delete a body that nothing needs; a file that the client has uploaded stays."""
        if file.purpose == PURPOSE:
            await self._uploads.delete(file.file_id)

    def _report(self, staging: Staging) -> _Found | None:
        try:
            data = self._store.get(self._store.uri(report_key(staging.job_id)))
        except MissingObject:  # it has failed
            return None
        return msgspec.json.decode(data, type=_Found)


def view(staging: Staging, found: _Found | None = None) -> StagingView:
    reason = found.reason if found else None
    if staging.state == "failed":
        reason = "no process came to its end: the file was deleted, or it needs too much memory"
    return StagingView(
        campaign_id=staging.campaign_id,
        state=staging.state,
        dry_run=staging.is_check,
        digest=staging.digest,
        created_at=staging.created_at,
        rows=staging.rows,
        accepted=staging.accepted,
        rejected=staging.rejected,
        waiting=staging.waiting,
        ended_at=staging.ended_at,
        reason=reason,
        report=found.report if found else None,
    )


def _compare(staging: Staging, key: ApiKey, digest: str) -> None:
    """Raises Problem where the name has another list, or is another's."""
    if staging.tenant != key.tenant:
        raise _taken()
    if staging.digest != digest:
        message = (
            f"campaign {staging.campaign_id}: expected the list and the options that it has, with "
            f"digest {staging.digest}, got others, with digest {digest}; use another name"
        )
        raise Problem(409, "another_list", message)


def _digest(sha256: str, options: ListOptions) -> str:
    return hashlib.sha256(f"{sha256}\n".encode() + _encoded(options)).hexdigest()


def _encoded(options: ListOptions) -> bytes:
    """Return the options alone, the same for a body and for a query."""
    values = {name: getattr(options, name) for name in ListOptions.__struct_fields__}
    return msgspec.json.encode(ListOptions(**values))


def _of_query(http: Request) -> ListOptions:
    """Return the options of a list that is the body. Raises Problem: 400, 415."""
    media = _media(http)
    if (format_ := FORMATS.get(media)) is None:
        expected = ", ".join(["application/json", *FORMATS])
        message = f"expected a body of {expected}; got {media[:100]!r}"
        raise Problem(415, "unsupported_media_type", message)
    if http.headers.get("content-encoding", "identity") != "identity":
        message = "expected a body without content-encoding; a packed list has format=csv.gz"
        raise Problem(415, "unsupported_media_type", message)
    options = convert(_values(http.query_params), ListOptions)
    format_ = _format("", options.format or format_)
    return msgspec.structs.replace(options, format=format_)


def _values(query: QueryParams) -> dict[str, object]:
    values: dict[str, object] = {n: v for n, v in query.items() if n not in ("dry_run", *STYLE)}
    if "profiles" in query:
        values["profiles"] = [
            name for each in query.getlist("profiles") for name in each.split(",")
        ]
    if style := {name: query[name] for name in STYLE if name in query}:
        values["style"] = style
    return values


def _format(filename: str, wanted: str | None) -> str:
    """Return the name of a list's format. Raises Problem 400 where nothing says what it is."""
    try:
        found = format_of(Path(filename), wanted)
    except InvalidInput as error:
        raise wrong("format", f"{error.expected}, got {error.got}") from None
    return f"{found.kind}{found.packing}".removeprefix(".")


def _whole(body: Iterable[bytes]) -> Iterable[bytes]:
    return body


def _media(http: Request) -> str:
    return http.headers.get("content-type", "").partition(";")[0].strip().lower()


def _name(http: Request) -> str:
    return _campaign(http.path_params["campaign_id"])


def _campaign(name: str) -> str:
    """Raises Problem 400 for what no campaign can be called."""
    try:
        return campaign_id(name)
    except InvalidInput as error:
        raise wrong("campaign_id", error.expected) from None


def _taken() -> Problem:
    """Tell nothing of another tenant's campaign."""
    return Problem(404, "not_found", "no campaign of this name can be made: use another name")
