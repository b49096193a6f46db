"""The form that the lines of a batch's files have, which is OpenAI's. Pure."""

from typing import Any, Literal

import msgspec

from seedcast.producers.gateway.problems import Problem

Unspoken = Literal["batch_expired", "batch_cancelled"]
_MESSAGES: dict[Unspoken, str] = {
    "batch_expired": "This request could not be executed before the completion window expired.",
    "batch_cancelled": "This batch was cancelled before this request was executed.",
}


def spoken_line(custom_id: str, request_id: str, body: object) -> bytes:
    """Return the line of a request that has audio."""
    return _line(custom_id, request_id, response=_response(request_id, 200, body))


def problem_line(custom_id: str, request_id: str, problem: Problem) -> bytes:
    """Return the line of a request that its endpoint would have answered with a problem."""
    body = {"error": problem.body()["error"]}
    return _line(custom_id, request_id, response=_response(request_id, problem.status, body))


def error_line(custom_id: str, request_id: str, code: Unspoken) -> bytes:
    """Return the line of a request that was not spoken because the batch has ended."""
    return _line(custom_id, request_id, error={"code": code, "message": _MESSAGES[code]})


def _response(request_id: str, status: int, body: object) -> dict[str, Any]:
    return {"status_code": status, "request_id": request_id, "body": body}


def _line(
    custom_id: str,
    request_id: str,
    *,
    response: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
) -> bytes:
    line = {
        "id": f"batch_req_{request_id}",
        "custom_id": custom_id,
        "response": response,
        "error": error,
    }
    return msgspec.json.encode(line) + b"\n"
