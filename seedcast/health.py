"""Whether a process may be given work, and if not, what it waits for: what an orchestrator's probes ask."""

import json
from collections.abc import Iterable
from wsgiref.types import StartResponse

LIVE, READY = "/live", "/ready"  # paths


class Readiness:
    """Named needs, none met at first; without needs it is ready at once.

    Threads and signal handlers may share it without a lock: each change is one step of a set.
    """

    def __init__(self, *needs: str) -> None:
        self._needs = needs
        self._met: set[str] = set()
        self._withdrawn: set[str] = set()

    @property
    def missing(self) -> tuple[str, ...]:
        """In the order they were named; () when ready."""
        return tuple(
            need for need in self._needs if need not in self._met or need in self._withdrawn
        )

    def meet(self, need: str) -> None:
        self._met.add(need)

    def lose(self, need: str) -> None:
        """Until it is met again."""
        self._met.discard(need)

    def withdraw(self, need: str) -> None:
        """For good, met or not: the process has begun to leave."""
        self._withdrawn.add(need)


def answer(readiness: Readiness, path: str, start_response: StartResponse) -> Iterable[bytes]:
    """The WSGI response to either path: 200, or 503 with what is missing. Alive is whoever answers."""
    missing = readiness.missing if path == READY else ()
    start_response(
        "503 Service Unavailable" if missing else "200 OK", [("Content-Type", "application/json")]
    )
    return [json.dumps({path[1:]: not missing, "missing": missing}).encode()]
