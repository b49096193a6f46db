"""The public keys of the tokens' issuer, read again and again from a URL or a file.

While it is away, those that were read last go on. A token that names an unknown key has them read
at once, so that a new key works as soon as the issuer signs with it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog
import urllib3
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from seedcast.metrics import GATEWAY_ISSUER_KEYS_AGE
from seedcast.producers.gateway.problems import unavailable
from seedcast.settings import JwtSettings

log = structlog.get_logger(__name__)

LIMIT = 512 * 1024  # bytes of a set
SECONDS = 5.0  # for one reading
PAUSE = 10.0  # seconds between two readings, however many tokens name unknown keys
_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}  # by how an algorithm begins


class KeySet(msgspec.Struct, frozen=True):
    """RFC 7517. Whoever reads one leaves out what it does not know."""

    keys: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class IssuerKey:
    key_id: object
    type: str | None
    algorithm: object  # None: any of its type
    public: Any

    def fits(self, algorithm: str) -> bool:
        return self.type == _TYPES[algorithm[:2]] and self.algorithm in (None, algorithm)


class IssuerKeys:
    """For one event loop."""

    def __init__(
        self,
        settings: JwtSettings,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings, self._clock, self._pause = settings, clock, pause
        self._keys: tuple[IssuerKey, ...] | None = None
        self._read_at, self._tried_at = clock(), float("-inf")
        self._reading: asyncio.Task[None] | None = None
        certificates = settings.ca_location or None
        self._http = urllib3.PoolManager(ca_certs=certificates, timeout=SECONDS, retries=False)
        GATEWAY_ISSUER_KEYS_AGE.set_function(lambda: clock() - self._read_at)

    async def keep_reading(self) -> None:
        """Read them every `refresh` seconds, and sooner where that failed. Never returns."""
        while True:
            await self._read()
            is_well = self._tried_at <= self._read_at
            await self._pause(self._settings.refresh if is_well else PAUSE)

    async def find(self, algorithm: str, key_id: object) -> IssuerKey | None:
        """Return the key that this algorithm may verify with. Raises Problem 503 without any."""
        found = self._find(algorithm, key_id)
        if found is None and (self._is_reading or self._clock() - self._tried_at >= PAUSE):
            await self._read()
            found = self._find(algorithm, key_id)
        if self._keys is None:
            raise unavailable("the keys of the tokens' issuer cannot be read")
        return found

    def _find(self, algorithm: str, key_id: object) -> IssuerKey | None:
        """Return the only one, or the one with this id."""
        fitting = [key for key in self._keys or () if key.fits(algorithm)]
        if key_id is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.key_id == key_id), None)

    @property
    def _is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    async def _read(self) -> None:
        """Read them, or wait for who is reading."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_once())
        await asyncio.shield(self._reading)

    async def _read_once(self) -> None:
        self._tried_at = self._clock()
        try:
            async with asyncio.timeout(2 * SECONDS):
                self._keys = await asyncio.to_thread(self._load)
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            problem = str(error)[:500] or type(error).__name__
            log.warning("issuer_keys_unread", problem=problem, kept=len(self._keys or ()))
        else:
            self._read_at = self._clock()

    def _load(self) -> tuple[IssuerKey, ...]:
        body = self._body()
        if len(body) > LIMIT:
            raise ValueError(f"expected at most {LIMIT:,} bytes")
        given = msgspec.json.decode(body, type=KeySet).keys
        if not (keys := tuple(key for each in given for key in _usable(each))):
            raise ValueError("expected a key that signatures can be verified with, got none")
        return keys

    def _body(self) -> bytes:
        source = self._settings.keys
        if not source.startswith(("https://", "http://")):
            with Path(source).open("rb") as file:
                return file.read(LIMIT + 1)
        answer = self._http.request("GET", source, preload_content=False, redirect=False)
        try:
            if answer.status != 200:
                raise ValueError(f"expected status 200, got {answer.status}")
            return answer.read(LIMIT + 1)
        finally:
            answer.close()


def _usable(data: dict[str, Any]) -> Iterator[IssuerKey]:
    """Yield the key, unless it is of an unknown type, or not for signatures."""
    with suppress(PyJWTError):
        key = PyJWK(data)
        if key.public_key_use in (None, "sig"):
            yield IssuerKey(
                key_id=key.key_id, type=key.key_type, algorithm=data.get("alg"), public=key.key
            )
