"""Read a request's body, bounded in bytes and in time, and decode it."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from seedcast.producers.gateway.problems import Problem

MAX_JSON = 256 * 1024  # bytes; a text of 10,000 characters takes at most 60,000 of them escaped
JSON = "application/json"
SECONDS = 15.0  # for the whole body
T = TypeVar("T")


async def json_of(request: Request, kind: type[T], also: str = JSON) -> T:
    """Return the body as `kind`. `also`: a media type that is JSON, too.

    Raises Problem: 400, 408, 413, 415.
    """
    media = request.headers.get("content-type", JSON).partition(";")[0].strip()
    if media.lower() not in (JSON, also):
        message = f"expected a body of {also}, got {media[:100]!r}"
        raise Problem(415, "unsupported_media_type", message)
    return decode(await read(request, MAX_JSON), kind)


def decode(body: bytes, kind: type[T]) -> T:
    """Raises Problem 400, which names the field and quotes no value."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _wrong(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"the body is not JSON: {error}"
        raise Problem(400, "invalid_json", message) from None


def convert(values: Mapping[str, object], kind: type[T]) -> T:
    """Return the parameters of a query, which are texts, as `kind`. Raises as `decode` does."""
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong(error) from None


def _wrong(error: msgspec.ValidationError) -> Problem:
    message, _, place = str(error).partition(" - at `")
    field = place.rstrip("`").removeprefix("$").removeprefix(".")
    where = f"{field}: " if field else ""
    return Problem(400, "invalid_request", where + message, param=field or None)


async def read(request: Request, limit: int) -> bytes:
    """Return at most `limit` bytes. Raises Problem."""
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > limit:
        raise _too_large(limit)
    chunks, size = list[bytes](), 0
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        message = f"the body did not arrive within {SECONDS:g} seconds"
        raise Problem(408, "timeout", message, headers={"connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "incomplete", "the client went away inside its body") from None
    return b"".join(chunks)


def _too_large(limit: int) -> Problem:
    message = f"expected a body of at most {limit:,} bytes"
    return Problem(413, "too_large", message, headers={"connection": "close"})
