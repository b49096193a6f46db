"""A part of a body (RFC 9110, 14): players ask for one to seek, and some play nothing else."""

import re

from starlette.requests import Request
from starlette.responses import Response

from seedcast.producers.gateway.problems import Problem

_ONE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


def ranged(http: Request, body: bytes, headers: dict[str, str], media_type: str) -> Response:
    """Answer with the one range that is asked for, or with all of the body.

    Several ranges, and what is none, are answered with all, as the RFC allows. Raises Problem 416
    for one that begins behind the end.
    """
    headers = {**headers, "accept-ranges": "bytes"}
    asked = _ONE.fullmatch(http.headers.get("range", ""))
    if asked is None or asked.group() == "bytes=-":
        return Response(body, 200, headers, media_type)
    first, last = _bounds(asked[1], asked[2], len(body))
    if first >= len(body) or first > last:
        message = f"range: expected one of {len(body):,} bytes"
        whole = {"content-range": f"bytes */{len(body)}"}
        raise Problem(416, "range_not_satisfiable", message, param="range", headers=whole)
    headers["content-range"] = f"bytes {first}-{last}/{len(body)}"
    return Response(body[first : last + 1], 206, headers, media_type)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """Return the first and the last byte. Without a first one, so many of the end are meant."""
    if not first:
        return max(0, size - int(last)), size - 1 if int(last) else -1
    return int(first), min(int(last), size - 1) if last else size - 1
