"""Liveness and readiness of a process, for the probes of an orchestrator."""

import json
from collections.abc import Iterable
from wsgiref.types import StartResponse

LIVE, READY = "/live", "/ready"  # paths


class Readiness:
    """The named conditions for readiness, such as a broker connection; at first none is met.

    A process without needs is ready at once. Threads and signal handlers may share an instance
    without a lock, because each change is one atomic operation on a set.
    """

    def __init__(self, *needs: str) -> None:
        self._needs = needs
        self._met: set[str] = set()
        self._withdrawn: set[str] = set()

    @property
    def missing(self) -> tuple[str, ...]:
        """The needs that are not met, in the order they were named; () if the process is ready."""
        return tuple(
            need for need in self._needs if need not in self._met or need in self._withdrawn
        )

    def meet(self, need: str) -> None:
        self._met.add(need)

    def lose(self, need: str) -> None:
        """Marks the need as not met, until it is met again."""
        self._met.discard(need)

    def withdraw(self, need: str) -> None:
        """Marks the need as missing for good, because the process has begun to shut down."""
        self._withdrawn.add(need)


def respond(readiness: Readiness, path: str, start_response: StartResponse) -> Iterable[bytes]:
    """Responds to LIVE or READY over WSGI: 200, or 503 with the needs that are missing.

    LIVE is always 200: a process that can answer is alive.
    """
    is_well, body = report(readiness, path)
    status = "200 OK" if is_well else "503 Service Unavailable"
    start_response(status, [("Content-Type", "application/json")])
    return [body]


def report(readiness: Readiness, path: str) -> tuple[bool, bytes]:
    """Return whether the answer to LIVE or READY is 200, and its body, as JSON."""
    missing = readiness.missing if path == READY else ()
    return not missing, json.dumps({path[1:]: not missing, "missing": missing}).encode()
