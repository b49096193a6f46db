"""One line of log and two metrics for each answer, whatever it is, once it has ended.

A stream ends when its client has all of it, has left, or is cut off. Until then it holds its place.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from seedcast import metrics
from seedcast.errors import SeedcastError
from seedcast.producers.gateway import problems
from seedcast.producers.gateway.problems import Problem

log = structlog.get_logger(__name__)

# `cut`: not all of it was sent, and not because the client left.
Sent = Literal["nothing", "cut", "client_left", "whole"]


@dataclass
class Answered:
    route: str
    tenant: str = ""
    status: int = 500
    code: str = ""  # of what is wrong
    bytes: int = 0  # of the body that were handed to the connection
    sent: Sent = "nothing"
    held: ExitStack = field(default_factory=ExitStack)  # left when the answer has ended
    began: float = field(default_factory=perf_counter)

    def fail(self, error: Problem | SeedcastError) -> Problem:
        """Return what an error is to the client: an answer, or the end of one that has begun."""
        if isinstance(error, Problem):
            problem = error
        else:
            log.warning("gateway_failed", route=self.route, problem=str(error))
            problem = problems.of(error)
        self.code = problem.code
        return problem

    def count(self) -> None:
        metrics.GATEWAY_REQUESTS.labels(self.route, str(self.status)).inc()
        metrics.GATEWAY_SECONDS.labels(self.route).observe(perf_counter() - self.began)

    def sending(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status, self.sent = message["status"], "cut"
                self.count()
            await send(message)
            if message["type"] == "http.response.body":
                self.bytes += len(message.get("body", b""))
                if self.sent == "cut" and not message.get("more_body", False):
                    self.sent = "whole"

        return sent

    def receiving(self, receive: Receive) -> Receive:
        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and self.sent == "cut":
                self.sent = "client_left"
            return message

        return received


Answer = Callable[[Request, Answered], Awaitable[Response]]


class Endpoint:
    """A route as an ASGI application."""

    def __init__(self, route: str, answer: Answer) -> None:
        """`answer` may raise Problem and SeedcastError."""
        self._route, self._answer = route, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with _answered(self._route) as told:
            connection = scope, told.receiving(receive), told.sending(send)
            try:
                response = await self._answer(Request(scope, receive, send), told)
                await response(*connection)
            except (Problem, SeedcastError) as error:
                problem = told.fail(error)
                if told.sent == "nothing":
                    await problem.response()(*connection)


@contextmanager
def _answered(route: str) -> Iterator[Answered]:
    """Yield what is to be told of this answer."""
    told = Answered(route)
    try:
        with told.held:
            yield told
    except BaseException:
        told.code = "internal_error"
        raise
    finally:
        if told.sent == "nothing":
            told.count()
        log.info(
            "answered",
            route=route,
            tenant=told.tenant,
            status=told.status,
            code=told.code,
            ms=round(1000 * (perf_counter() - told.began), 1),
            bytes=told.bytes,
            sent=told.sent,
        )
