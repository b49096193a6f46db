"""The header Idempotency-Key: what is asked again with the same key is the same request."""

import asyncio
import hashlib
import hmac
import re
from datetime import UTC, datetime

import msgspec
import structlog

from seedcast.errors import AccountsUnavailable
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.problems import Problem, unavailable
from seedcast.producers.gateway.wire import SpeechBody
from seedcast.schemas.messages import SpeechResult
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.keys import ApiKey

log = structlog.get_logger(__name__)
_KEY = re.compile(r"[!-~]{1,255}")


class Idempotency:
    def __init__(self, accounts: Accounts, index: OpenIndex, secret: bytes) -> None:
        """`secret`: of the digests of bodies, so that the store tells nobody a text."""
        self._accounts, self._index, self._secret = accounts, index, secret

    def check(self, identity: str) -> None:
        """Raises Problem 400 for a key that is none."""
        if not _KEY.fullmatch(identity):
            message = "idempotency-key: expected 1 to 255 visible ASCII characters"
            raise Problem(400, "invalid_request", message, param="idempotency-key")

    async def claim(
        self, key: ApiKey, identity: str, body: SpeechBody, request_id: str
    ) -> SpeechResult | None:
        """Take the identity for this body; return the result if the request was made before.

        Raises Problem: 422 if it was made with another body, 503 if nobody can tell.
        """
        digest = hmac.digest(self._secret, msgspec.json.encode(body), hashlib.sha256)
        now = datetime.now(UTC)
        try:
            claim = await asyncio.to_thread(
                self._accounts.claim, key.tenant, identity, digest, request_id, now
            )
        except AccountsUnavailable as error:
            message = f"whether this Idempotency-Key is new cannot be told: {error}"
            raise unavailable(message) from error
        if not claim.same_body:
            message = "this Idempotency-Key was used with another body"
            raise Problem(422, "idempotency_key_reused", message, param="idempotency-key")
        return None if claim.is_new else await self._known(request_id)

    async def _known(self, request_id: str) -> SpeechResult | None:
        """Return the result that the index has, if it can be asked."""
        try:
            found = await self._index.ask(lambda index: index.request(request_id))
        except Problem as problem:
            log.warning("index_away", problem=problem.message, next="the request is sent again")
            return None
        return found.result if found else None
