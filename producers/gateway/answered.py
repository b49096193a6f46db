"""One line of log and two metrics for each answer, whatever it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import structlog

from seedcast import metrics
from seedcast.errors import SeedcastError
from seedcast.producers.gateway import problems
from seedcast.producers.gateway.problems import Problem

log = structlog.get_logger(__name__)


@dataclass
class Answered:
    route: str
    tenant: str = ""
    status: int = 500
    code: str = "internal_error"

    def fail(self, error: SeedcastError) -> None:
        told = problems.of(error)
        self.status, self.code = told.status, told.code
        log.warning("gateway_failed", route=self.route, problem=str(error))


@contextmanager
def answered(route: str) -> Iterator[Answered]:
    """Yield what is to be told of this answer."""
    began, told = perf_counter(), Answered(route)
    try:
        yield told
    except Problem as problem:
        told.status, told.code = problem.status, problem.code
        raise
    except SeedcastError as error:
        told.fail(error)
        raise
    finally:
        seconds = perf_counter() - began
        metrics.GATEWAY_REQUESTS.labels(route, str(told.status)).inc()
        metrics.GATEWAY_SECONDS.labels(route).observe(seconds)
        log.info(
            "answered",
            route=route,
            tenant=told.tenant,
            status=told.status,
            code=told.code,
            ms=round(1000 * seconds, 1),
        )
