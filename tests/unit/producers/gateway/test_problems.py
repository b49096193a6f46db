"""One body for clients of HTTP and of OpenAI's API, and no error of ours without one."""

import inspect
import json

import pytest

from seedcast import errors
from seedcast.errors import InvalidEvent, InvalidRequest, InvalidRow, SeedcastError
from seedcast.producers.gateway import problems
from seedcast.producers.gateway.problems import Problem

TREE = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, SeedcastError)
]
SECRET = "Dear Anna"


def made(kind: type[SeedcastError]) -> SeedcastError:
    if kind is InvalidRow:
        return InvalidRow(1, "text", expected="a text", got="none")
    if kind is InvalidEvent:
        return InvalidEvent("text", expected="a text", got="none")
    if kind is InvalidRequest:
        return InvalidRequest("text_too_long", "too long")
    return kind("it failed")


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_error_of_ours_is_a_problem(kind: type[SeedcastError]) -> None:
    problem = problems.of(made(kind))
    expected = 503 if issubclass(kind, errors.Retryable) else None
    assert problem.status == (expected or problem.status)
    assert (problem.status == 503) == ("retry-after" in problem.headers)
    assert issubclass(kind, errors.Poison) is (problem.status < 500) or kind in (
        errors.InvalidInput,
        SeedcastError,
    )


def test_its_body_is_for_both_worlds() -> None:
    response = Problem(429, "rate_limited", "slower", headers={"retry-after": "3"}).response()
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "3"
    body = json.loads(bytes(response.body))
    assert body["error"] == {
        "message": "slower",
        "type": "rate_limit_error",
        "param": None,
        "code": "rate_limited",
    }
    assert (body["status"], body["title"], body["detail"]) == (429, "Too Many Requests", "slower")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "invalid_request_error"),
        (500, "server_error"),
        (503, "server_error"),
    ],
)
def test_the_type_is_openais(status: int, kind: str) -> None:
    assert Problem(status, "code", "message").type == kind


@pytest.mark.parametrize("kind", [kind for kind in TREE if issubclass(kind, errors.Retryable)])
def test_addresses_of_the_deployment_are_not_told_to_clients(kind: type[SeedcastError]) -> None:
    problem = problems.of(kind("sending to broker-7:9092", got="refused by 10.0.0.7"))
    assert "does not answer" in problem.message
    assert "7" not in problem.message


def test_what_only_an_operator_can_mend_is_not_told_to_clients() -> None:
    problem = problems.of(errors.InvalidSettings("the password of broker-7 is wrong"))
    assert problem.status == 500
    assert "broker-7" not in problem.message
