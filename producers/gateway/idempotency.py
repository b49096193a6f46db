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
from seedcast.producers.gateway.problems import Problem, unavailable, wrong
from seedcast.producers.gateway.wire import SpeechBody
from seedcast.schemas.messages import SpeechResult
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.keys import ApiKey

log = structlog.get_logger(__name__)
_KEY = re.compile(r"[!-~]{1,255}")
_SHOWN = 200  # characters of a key in the request's metadata


class Idempotency:
    def __init__(self, accounts: Accounts, index: OpenIndex, secret: bytes) -> None:
        """`secret`: of the digests of bodies, so that the store tells nobody a text."""
        self._accounts, self._index, self._secret = accounts, index, secret

    def identity(self, given: str, body: SpeechBody) -> str:
        """Return the id of the event: that of the key and of the body, so that a key which is
        used again when it is forgotten is another request. Raises Problem 400 for no key."""
        both = self._digest(valid_key(given).encode() + b"\n" + msgspec.json.encode(body))
        return f"{given[:_SHOWN]}.{both.hex()[:32]}"

    async def claim(
        self, key: ApiKey, given: str, body: SpeechBody, request_id: str
    ) -> SpeechResult | None:
        """Take the key for this body; return the result if the request was made before.

        Raises Problem: 422 if it was made with another body, 503 if nobody can tell.
        """
        digest = self._digest(msgspec.json.encode(body))
        now = datetime.now(UTC)
        try:
            claim = await asyncio.to_thread(
                self._accounts.claim, key.tenant, given, digest, request_id, now
            )
        except AccountsUnavailable as error:
            log.warning("accounts_away", problem=str(error))
            raise unavailable("whether this Idempotency-Key is new cannot be told") from error
        if not claim.same_body:
            message = "this Idempotency-Key was used with another body"
            raise Problem(422, "idempotency_key_reused", message, param="idempotency-key")
        return None if claim.is_new else await self._known(request_id)

    def _digest(self, data: bytes) -> bytes:
        return hmac.digest(self._secret, data, hashlib.sha256)

    async def _known(self, request_id: str) -> SpeechResult | None:
        """Return the result that the index has, if it can be asked."""
        try:
            found = await self._index.ask(lambda index: index.request(request_id))
        except Problem as problem:
            log.warning("index_away", problem=problem.message, next="the request is sent again")
            return None
        return found.result if found else None


def valid_key(given: str) -> str:
    """Return the key. Raises Problem 400 if it is none."""
    if not _KEY.fullmatch(given):
        raise wrong("idempotency-key", "1 to 255 visible ASCII characters")
    return given
