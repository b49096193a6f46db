"""Waits until background workers are ready: a process that runs may still fail to start."""

import http.client
import json
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from seedcast.embedded.processes import Process, listening
from seedcast.embedded.stack import Stack
from seedcast.errors import EngineFailed, Unreachable
from seedcast.health import READY

TIMEOUT = 600.0  # seconds; weights from a slow disk, or code that is compiled first, take minutes
STARTING = ("its start",)  # what is missing while a worker does not answer yet


@dataclass(frozen=True)
class _Settled:
    ended: list[Process]
    waiting: dict[str, tuple[str, ...]]  # by name: what readiness still misses


def wait_until_ready(
    stack: Stack,
    names: Collection[str],
    progress: Callable[[str], None] = lambda _: None,
    timeout: float = TIMEOUT,
) -> None:
    """Returns when each of these workers is ready.

    Raises EngineFailed with the last lines of those that ended, once the others are ready or have
    ended, too; and Unreachable after `timeout`.
    """
    deadline = time.monotonic() + timeout
    while (now := _look(stack, names)).waiting and time.monotonic() < deadline:
        progress("; ".join(f"{n} waits for {', '.join(miss)}" for n, miss in now.waiting.items()))
        time.sleep(0.1)
    if now.ended:
        raise failed(now.ended)
    if now.waiting:
        name, missing = next(iter(now.waiting.items()))
        raise Unreachable(
            f"{name} is not ready",
            expected=f"readiness within {timeout:g} s",
            got=f"it waits for {', '.join(missing)}",
            remedy=f"see {stack.log(name)}; `seedcast down` stops it",
        )


def failed(ended: list[Process]) -> EngineFailed:
    """Returns the error for processes that ended, with the last lines of each."""
    names = " and ".join(process.name for process in ended)
    return EngineFailed(
        f"{names} ended",
        got="\n".join(f"{process.name}: {_last_words(process)}" for process in ended),
        remedy=f"see {' and '.join(str(process.log) for process in ended)}",
    )


def _look(stack: Stack, names: Collection[str]) -> _Settled:
    ended, waiting = [], {}
    for process in stack.status():
        if process.name not in names:
            continue
        if not process.running:
            ended.append(process)
        elif missing := _missing(process.pid):
            waiting[process.name] = missing
    return _Settled(ended, waiting)


def _missing(pid: int) -> tuple[str, ...]:
    """Returns what the worker's readiness misses; () if it is ready.

    Its page is on a port of its own choice, so it is asked wherever the process listens.
    """
    for host, port in listening(pid):
        connection = http.client.HTTPConnection(host, port, timeout=2)
        with suppress(OSError, http.client.HTTPException, ValueError):
            connection.request("GET", READY)
            return tuple(json.loads(connection.getresponse().read(1000))["missing"])
    return STARTING


def _last_words(process: Process, count: int = 12) -> str:
    """Returns the end of its log; of the error with which it ended, the words alone."""
    lines = process.last_lines(count).splitlines()
    return "\n".join(_error(line) or line[:600] for line in lines) or "nothing in its log"


def _error(line: str) -> str:
    """Returns what the line of a JSON log says of the error that ended the process, or ""."""
    with suppress(ValueError, AttributeError):
        entry = json.loads(line)
        if entry.get("event") == "fatal":
            parts = (("problem", ""), ("expected", "expected "), ("got", "got "), ("remedy", ""))
            return "; ".join(word + entry[name] for name, word in parts if name in entry)
    return ""
