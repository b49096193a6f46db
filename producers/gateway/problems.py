"""What a client is told when something is wrong: one body for two worlds.

`application/problem+json` (RFC 9457), with the member `error` that clients of OpenAI's API read.
"""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from seedcast.errors import (
    AccountsUnavailable,
    BrokerUnavailable,
    Fatal,
    IndexUnavailable,
    InvalidEvent,
    InvalidInput,
    MissingObject,
    Poison,
    Retryable,
    SeedcastError,
    StoreUnavailable,
)

MEDIA_TYPE = "application/problem+json"
LATE = "it was not spoken by its deadline, and will not be"
RETRY_AFTER = 2  # seconds, where a part of the deployment is away
_PARTS = {
    BrokerUnavailable: "Kafka",
    StoreUnavailable: "the object store",
    IndexUnavailable: "the results index",
    AccountsUnavailable: "the database of keys",
}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Problem(Exception):
    """An answer that is no success. `param`: the field that is wrong."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param
        self.headers = dict(headers or {})

    @property
    def type(self) -> str:
        """The type of the error in OpenAI's words."""
        family = "server_error" if self.status >= 500 else "invalid_request_error"
        return _TYPES.get(self.status, family)

    def body(self) -> dict[str, object]:
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.message,
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            },
        }

    def response(self) -> Response:
        return Response(
            msgspec.json.encode(self.body()),
            status_code=self.status,
            headers=self.headers,
            media_type=MEDIA_TYPE,
        )


def wrong(name: str, expected: str) -> Problem:
    """A field, a parameter or a header that is wrong."""
    return Problem(400, "invalid_request", f"{name}: expected {expected}", param=name)


def not_found(what: str) -> Problem:
    """Another tenant's object is not there either, so that nobody learns what others have."""
    return Problem(404, "not_found", f"{what} is not there")


def check_names(http: Request) -> None:
    """Raise Problem 404 for a name that nothing can have: no database is asked for it.

    PostgreSQL takes no U+0000, and what it refuses would be told as an outage.
    """
    if not all(str(name).isprintable() for name in http.path_params.values()):
        raise not_found("what has this name")


def of(error: SeedcastError) -> Problem:
    """Return the problem that one of our errors is to a client."""
    match error:
        case InvalidEvent():
            said = f"expected {error.expected}, got {error.got}"
            message = f"{error.field}: {said}" if error.field else said
            return Problem(400, "invalid_request", message, param=error.field or None)
        case InvalidInput():
            return Problem(400, "invalid_request", str(error))
        case MissingObject():
            return Problem(404, "audio_gone", "the audio is not in the object store any more")
        case Retryable():
            return unavailable(_away(error))
        case Poison():
            return Problem(400, "invalid_request", str(error))
        case Fatal():
            return Problem(500, "misconfigured", "the gateway cannot do that: see its log")
        case _:
            return Problem(500, "internal_error", "the gateway failed: see its log")


def _away(error: Retryable) -> str:
    """Return which part does not answer. Its address and its words are for the log alone."""
    named = (name for kind, name in _PARTS.items() if isinstance(error, kind))
    return f"{next(named, 'a part of the deployment')} does not answer in time"


def unavailable(message: str, retry_after: int = RETRY_AFTER) -> Problem:
    return Problem(503, "unavailable", message, headers={"retry-after": str(retry_after)})


async def answer(_: Request, error: Exception) -> Response:
    """Starlette's handler of Problem."""
    if not isinstance(error, Problem):
        raise error
    return error.response()


async def answer_http(_: Request, error: Exception) -> Response:
    """Starlette's handler of its own HTTPException: unknown paths and methods."""
    status = getattr(error, "status_code", 500)
    headers = getattr(error, "headers", None) or {}
    phrase = HTTPStatus(status).phrase
    code = phrase.lower().replace(" ", "_")
    return Problem(status, code, f"{phrase}: see /openapi.json", headers=headers).response()
