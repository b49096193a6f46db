"""The description of the HTTP interface, made from the table of routes and the structs."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec

from seedcast.producers.gateway import problems
from seedcast.producers.gateway.routes import Route

ALWAYS = (401, 403, 429, 500, 503)  # problems of every route
_PARAMETER = re.compile(r"{(\w+)}")
_REFERENCE = "#/components/schemas/{name}"
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "error"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        },
    },
}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document of OpenAPI 3.1."""
    table = tuple(routes)
    _, schemas = msgspec.json.schema_components(_structs(table), ref_template=_REFERENCE)
    paths = dict[str, dict[str, Any]]()
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Seedcast", "version": version("seedcast")},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas | {"Problem": PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _structs(table: tuple[Route, ...]) -> list[type]:
    answers = [answer for route in table for answer in route.answers.values()]
    bodies = [route.body for route in table if route.body is not None]
    structs = (each for each in [*answers, *bodies] if isinstance(each, type))
    return list(dict.fromkeys(structs))


def _operation(route: Route) -> dict[str, Any]:
    statuses = sorted({*ALWAYS, *route.problems, *((400,) if route.body else ())})
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _identifier(route),
        "parameters": list(_parameters(route)),
        "responses": {str(status): _answer(status, kind) for status, kind in route.answers.items()}
        | {str(status): _problem(status) for status in statuses},
    }
    if route.scope:
        operation["description"] = f"Needs a key with scope `{route.scope}`."
    if content := _body(route):
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _body(route: Route) -> dict[str, Any]:
    own = {media: {"schema": schema} for media, schema in route.content.items()}
    return own if route.body is None else _json(route.body) | own


def _parameters(route: Route) -> Iterable[dict[str, Any]]:
    for place, names in (
        ("path", _PARAMETER.findall(route.path)),
        ("query", route.query),
        ("header", route.headers),
    ):
        for name in names:
            required = {"required": True} if place == "path" else {}
            yield {"name": name, "in": place, "schema": {"type": "string"}} | required


def _answer(status: int, kind: type | str | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if isinstance(kind, str):
        answer["content"] = {kind: {}}
    elif kind is not None:
        answer["content"] = _json(kind)
    return answer


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(name="Problem")}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {problems.MEDIA_TYPE: {"schema": schema}},
    }


def _json(struct: type) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(name=struct.__name__)}}}


def _identifier(route: Route) -> str:
    words = re.findall(r"\w+", route.path.removeprefix("/v1"))
    return "_".join([route.method.lower(), *words])
