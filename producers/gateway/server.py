"""The HTTP application: every route behind its key, its limits and one line of log."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

from seedcast.health import LIVE, READY, Readiness, report
from seedcast.producers.gateway import answers, problems
from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.answered import Answered, Endpoint
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.openapi import document
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.routes import Route

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def application(
    table: Iterable[Route],
    access: Access,
    limits: Limits,
    readiness: Readiness,
    lifespan: Lifespan | None = None,
    pages: Iterable[BaseRoute] = (),
) -> Starlette:
    """`pages`: what is served beside the API."""
    table = tuple(table)
    described = JSONResponse(document(table))

    async def openapi(_: Request) -> Response:
        return described

    async def health(request: Request) -> Response:
        is_well, body = report(readiness, request.url.path)
        return Response(body, 200 if is_well else 503, media_type=answers.MEDIA_TYPE)

    async def exposed(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    own = [
        StarletteRoute(route.path, _endpoint(route, access, limits), methods=[route.method])
        for route in table
    ]
    others = [
        StarletteRoute("/openapi.json", openapi),
        StarletteRoute(LIVE, health),
        StarletteRoute(READY, health),
        StarletteRoute("/metrics", exposed),
        *pages,
    ]
    handlers = {Problem: problems.answer, HTTPException: problems.answer_http}
    return Starlette(routes=own + others, exception_handlers=handlers, lifespan=lifespan)


def _endpoint(route: Route, access: Access, limits: Limits) -> Endpoint:
    async def answer(http: Request, told: Answered) -> Response:
        key = await access.require(http, route.scope)
        told.tenant = key.tenant
        problems.check_names(http)
        headers = await limits.take(key)
        told.held.enter_context(limits.at_once(key))
        response = await route.handler(http, key)
        response.headers.update(headers)
        if route.is_endless:  # it has a place of its own
            told.held.close()
        return response

    return Endpoint(route.name, answer)
