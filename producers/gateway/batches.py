"""/v1/batches: files of speeches, spoken as a campaign, as OpenAI's API has them."""

import asyncio
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from seedcast.producers.gateway import answers, queries
from seedcast.producers.gateway.batch_keeper import BatchKeeper
from seedcast.producers.gateway.batch_wire import BatchBody, BatchList, view
from seedcast.producers.gateway.bodies import json_of
from seedcast.producers.gateway.idempotency import valid_key
from seedcast.producers.gateway.problems import Problem, not_found, unavailable, wrong
from seedcast.producers.gateway.uploads import Uploads
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.rows.values import deadline as instant_of
from seedcast.settings import Settings
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.batch_records import Batch, BatchTerms
from seedcast.storage.accounts.keys import ApiKey

PAGE, LARGEST_PAGE = 20, 100
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=30)


class BatchRoutes:
    def __init__(
        self, settings: Settings, accounts: Accounts, uploads: Uploads, keeper: BatchKeeper
    ) -> None:
        self._settings, self._accounts = settings, accounts
        self._uploads, self._keeper = uploads, keeper
        self._secret = settings.postprocess.digest_key.get_secret_value().encode()

    async def create(self, http: Request, key: ApiKey) -> Response:
        """Take a batch, whose file a process reads later. Raises Problem."""
        body = await json_of(http, BatchBody)
        if not self._settings.index.url:
            raise unavailable("batches need a results index: set SEEDCAST_INDEX_URL")
        await self._check_file(body.input_file_id, key)
        now = datetime.now(UTC)
        expiry = body.output_expires_after
        batch = Batch(
            batch_id=await self._identity(http, key, body, now),
            tenant=key.tenant,
            key_id=key.key_id,
            terms=BatchTerms(
                endpoint=body.endpoint,
                completion_window=body.completion_window,
                metadata=body.metadata,
                output_seconds=expiry.seconds if expiry else None,
            ),
            input_file_id=body.input_file_id,
            status="validating",
            created_at=now,
            expires_at=_window_end(body.completion_window, now),
        )
        made = await asyncio.to_thread(self._accounts.batches.add, batch)
        self._keeper.wake()
        return answers.json(view(made))

    async def list(self, http: Request, key: ApiKey) -> Response:
        limit = queries.limit(http, PAGE, LARGEST_PAGE)
        name = http.query_params.get("after")
        after = await self._found(name, key) if name is not None else None
        page = self._accounts.batches.page
        found, has_more = await asyncio.to_thread(page, key.tenant, limit=limit, after=after)
        body = BatchList(
            data=tuple(view(batch) for batch in found),
            has_more=has_more,
            first_id=found[0].batch_id if found else None,
            last_id=found[-1].batch_id if found else None,
        )
        return answers.json(body)

    async def show(self, http: Request, key: ApiKey) -> Response:
        return answers.json(view(await self._found(http.path_params["batch_id"], key)))

    async def cancel(self, http: Request, key: ApiKey) -> Response:
        """Begin to cancel it. Raises Problem 409 if it has ended, or nearly so."""
        batch_id = (await self._found(http.path_params["batch_id"], key)).batch_id
        cancel = self._accounts.batches.cancel
        began = await asyncio.to_thread(cancel, batch_id, datetime.now(UTC))
        batch = await self._found(batch_id, key)
        if not began and batch.status != "cancelling":
            message = f"Cannot cancel a batch with status '{batch.status}'."
            raise Problem(409, "wrong_state", message)
        self._keeper.wake()
        return answers.json(view(batch))

    async def _found(self, batch_id: str, key: ApiKey) -> Batch:
        found = await asyncio.to_thread(self._accounts.batches.find, batch_id, key.tenant)
        if found is None:
            raise not_found("the batch")
        return found

    async def _check_file(self, file_id: str, key: ApiKey) -> None:
        """Raises Problem 400 for a file that can be no batch's input."""
        try:
            file = await self._uploads.find(file_id, key)
        except Problem as problem:
            if problem.status != 404:
                raise
            message = "input_file_id: expected a file of GET /v1/files"
            raise Problem(400, "unknown_file", message, param="input_file_id") from None
        if file.purpose != "batch":
            raise wrong("input_file_id", f"a file with the purpose batch, got {file.purpose}")
        if file.bytes > (most := self._settings.gateway.batch_bytes):
            raise wrong("input_file_id", f"a file of at most {most:,} bytes")

    async def _identity(self, http: Request, key: ApiKey, body: BatchBody, now: datetime) -> str:
        """Return the id of a new batch, or of the one that came first with its Idempotency-Key.

        Raises Problem: 400, 422.
        """
        batch_id = f"batch_{token_hex(16)}"
        if (given := http.headers.get("idempotency-key")) is None:
            return batch_id
        data = b"batch\n" + msgspec.json.encode(body)
        digest = hmac.digest(self._secret, data, hashlib.sha256)
        own = key.tenant, valid_key(given), digest, batch_id, now
        claim = await asyncio.to_thread(self._accounts.claim, *own)
        if not claim.same_body:
            message = "this Idempotency-Key was used with another body"
            raise Problem(422, "idempotency_key_reused", message, param="idempotency-key")
        return claim.request_id


def _window_end(window: str, now: datetime) -> datetime:
    """Raises Problem 400."""
    try:
        end = instant_of(window, now)
    except InvalidValue:
        end = now
    if not SHORTEST <= end - now <= LONGEST:
        raise wrong("completion_window", "24h, or another duration from 1m to 30d, such as 2h30m")
    return end
