"""One call of an endpoint: bounded in time, to an address that is judged when it is connected to.

aiohttp asks for the socket of each address that it is about to connect to. That is where an address
is refused, whatever the name resolved to before, while Host, SNI and certificate keep the name. No
redirect is followed, no proxy and no cookie is used, and nothing of an answer's body is read.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from seedcast.errors import InvalidInput, InvalidSettings
from seedcast.producers.gateway.webhooks.addresses import check_url, may_be_called, networks
from seedcast.settings import WebhookSettings

LOOKUPS = 16  # names at once, in threads of their own: a slow name server holds up nothing else
NOT_PUBLIC = "its address is not public, and SEEDCAST_WEBHOOKS_ALLOW_NETWORKS does not have it"
Lookup = Callable[..., list[Any]]  # as socket.getaddrinfo


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a call. `problem`: None if the endpoint has taken the event."""

    status: int | None
    problem: str | None


class Caller:
    """For one event loop."""

    def __init__(self, settings: WebhookSettings, lookup: Lookup = socket.getaddrinfo) -> None:
        """Raises InvalidSettings if there are no certificates where the settings say."""
        self._settings, self._allowed = settings, networks(settings)
        self._tls = _tls(settings)
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="webhook-names")
        self._resolver = _Resolver(self._threads, lookup)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            check_url(url, self._settings)  # the settings may have changed
        except InvalidInput as error:
            return Answer(status=None, problem=str(error))
        judge = _Judge(self)
        try:
            return await self._post(judge, url, headers, body)
        except TimeoutError:
            problem = f"no answer within {self._settings.timeout:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            problem = NOT_PUBLIC if judge.refused else _problem(error)
        return Answer(status=None, problem=problem)

    async def _post(
        self, judge: "_Judge", url: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            use_dns_cache=False,
            ssl=self._tls,
            socket_factory=judge.socket,
            force_close=True,
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout),
                trust_env=False,
                auto_decompress=False,
            ) as session,
            session.post(
                url, headers={**_ALWAYS, **headers}, data=body, allow_redirects=False
            ) as response,
        ):
            status = response.status
            response.close()  # however much of a body is still to come
        return Answer(status=status, problem=_refusal(status))


@dataclass(eq=False)
class _Judge:
    """Makes the sockets of one call, and remembers whether an address was refused."""

    caller: Caller
    refused: bool = field(default=False)

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_be_called(address[0], self.caller._allowed):
            self.refused = True
            raise OSError(NOT_PUBLIC)
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """aiohttp's own resolver uses threads that the event loop's other work needs."""

    def __init__(self, threads: ThreadPoolExecutor, lookup: Lookup) -> None:
        self._threads, self._lookup = threads, lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: self._lookup(host, port, family, socket.SOCK_STREAM)
        )
        return [
            ResolveResult(
                hostname=host,
                host=address[0],
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Keep the threads: sessions come and go."""


_ALWAYS = {
    "content-type": "application/json",
    "user-agent": f"Seedcast/{version('seedcast')} (webhooks)",
}


def _tls(settings: WebhookSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_location or None)
    except OSError as error:  # ssl.SSLError is one, too
        raise InvalidSettings(
            "the certificate authorities of webhooks",
            expected="a PEM file that this user can read",
            got=f"{settings.ca_location}: {error.strerror or error}",
            remedy="correct SEEDCAST_WEBHOOKS_CA_LOCATION",
        ) from error


def _refusal(status: int) -> str | None:
    """Return what is wrong with a status, None if it takes the event."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"it redirects ({status}), which is not followed: give the address itself"
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    return f"it answered {status} {phrase}".rstrip()


def _problem(error: Exception) -> str:
    """Return in few words why there was no answer: neither an address nor a URL."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not valid for its name"
        case aiohttp.ClientSSLError():
            return "it speaks no TLS that is taken here"
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known"
        case aiohttp.ClientConnectorError():
            return f"it cannot be connected to: {error.strerror or 'no address answers'}"
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection without an answer"
        case _:
            return f"what it answered is not HTTP as it should be ({type(error).__name__})"
