"""The HTTP application: every route behind its key, its limits and one line of log."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from time import perf_counter

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as StarletteRoute

from seedcast import metrics
from seedcast.errors import SeedcastError
from seedcast.health import LIVE, READY, Readiness, report
from seedcast.producers.gateway import answers, problems
from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.openapi import document
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.routes import Route

log = structlog.get_logger(__name__)
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]
Endpoint = Callable[[Request], Awaitable[Response]]


def application(
    table: Iterable[Route],
    access: Access,
    limits: Limits,
    readiness: Readiness,
    lifespan: Lifespan | None = None,
) -> Starlette:
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
    ]
    handlers = {
        Problem: problems.answer,
        SeedcastError: problems.answer_error,
        HTTPException: problems.answer_http,
    }
    return Starlette(routes=own + others, exception_handlers=handlers, lifespan=lifespan)


def _endpoint(route: Route, access: Access, limits: Limits) -> Endpoint:
    async def endpoint(http: Request) -> Response:
        began, tenant = perf_counter(), ""
        status, code = 500, "internal_error"
        try:
            key = await access.require(http, route.scope)
            tenant = key.tenant
            _check_names(http)
            headers = await limits.take(key)
            with limits.at_once(key):
                response = await route.handler(http, key)
            response.headers.update(headers)
            status, code = response.status_code, ""
            return response
        except Problem as problem:
            status, code = problem.status, problem.code
            raise
        except SeedcastError as error:
            told = problems.of(error)
            status, code = told.status, told.code
            log.warning("gateway_failed", route=route.name, problem=str(error))
            raise
        finally:
            seconds = perf_counter() - began
            metrics.GATEWAY_REQUESTS.labels(route.name, str(status)).inc()
            metrics.GATEWAY_SECONDS.labels(route.name).observe(seconds)
            log.info(
                "answered",
                route=route.name,
                tenant=tenant,
                status=status,
                code=code,
                ms=round(1000 * seconds, 1),
            )

    return endpoint


def _check_names(http: Request) -> None:
    """Raise Problem 404 for a name that nothing can have: no database is asked for it.

    PostgreSQL takes no U+0000, and what it refuses would be told as an outage.
    """
    if not all(str(name).isprintable() for name in http.path_params.values()):
        raise problems.not_found("what has this name")
