"""`seedcast retry` as a process of its own.

It reads results and lists for minutes, and holds their ids: in the gateway that would hold up
speeches, and the memory would stay taken.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping

import msgspec
import structlog
from msgspec import Struct

from seedcast.producers.gateway.problems import Problem, unavailable

log = structlog.get_logger(__name__)
LONGEST = 3600.0  # seconds; it waits while Kafka or the store is away
_REPORTED = (0, 1)  # exit codes with a report: all is done, or some requests were not found
_UNAVAILABLE = 75
_CONSOLE = {"SEEDCAST_LOG_FORMAT": "console"}  # what is JSON on its stderr is then its error


class Submitted(Struct, frozen=True):
    accepted: int


class RetryReport(Struct, frozen=True, kw_only=True):
    """The command's report, as far as it is needed."""

    campaign_id: str
    retry_of: str
    asked: Mapping[str, int]
    spoken: int
    under_way: int
    missing: int
    submitted: Submitted | None


class CommandError(Struct, frozen=True, kw_only=True):
    """The error with which the command ended."""

    error: str
    what: str
    expected: str = ""
    got: str = ""


async def run(campaign: str, name: str, deadline: str | None) -> RetryReport:
    """Submit what failed of `campaign` as `name`. Raises Problem: 409, 500, 503.

    It is killed if this is cancelled: what it has staged is nothing until it is whole.
    """
    until = [] if deadline is None else [f"--deadline={deadline}"]
    arguments = ["retry", "--json", f"--as={name}", *until, "--", campaign]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "seedcast.cli",
        *arguments,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | _CONSOLE,
    )
    try:
        async with asyncio.timeout(LONGEST):
            printed, errors = await process.communicate()
    except TimeoutError:
        raise unavailable("the retry did not end in time; ask for it again") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return report_of(process.returncode or 0, printed, errors)


def report_of(code: int, printed: bytes, errors: bytes) -> RetryReport:
    """Return what the command printed. Raises Problem for the error that it ended with."""
    if code in _REPORTED and printed.strip():
        return msgspec.json.decode(printed, type=RetryReport)
    error = _last_error(errors)
    what = error.what if error else errors[-500:].decode(errors="replace")
    log.warning("retry_failed", exit_code=code, error=error and error.error, problem=what)
    if error and error.error == "InvalidInput":
        message = f"{error.what}: expected {error.expected}, got {error.got}"
        raise Problem(409, "wrong_state", message)
    if code == _UNAVAILABLE:
        raise unavailable("a part of the deployment does not answer in time")
    raise Problem(500, "internal_error", "the gateway failed: see its log")


def _last_error(errors: bytes) -> CommandError | None:
    for line in reversed(errors.splitlines()):
        if line.startswith(b"{"):
            return msgspec.json.decode(line, type=CommandError)
    return None
