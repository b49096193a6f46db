"""What a gateway does by itself."""

import asyncio
import subprocess
import sys
from functools import partial

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from seedcast.errors import AccountsUnavailable
from seedcast.producers.gateway import upkeep
from seedcast.watchdog import EXIT_CODE

PROGRAM = """
import asyncio, time
from seedcast.producers.gateway import upkeep

upkeep.BEAT = 0.1

async def main():
    beating = asyncio.create_task(upkeep.beat(1.0))
    await asyncio.sleep(2)
    print("a loop that runs", flush=True)
    {then}

asyncio.run(main())
"""


def ended(then: str) -> tuple[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(then=then)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout.splitlines()[0], done.returncode


def test_a_gateway_whose_event_loop_hangs_ends_itself() -> None:
    assert ended("time.sleep(30)") == ("a loop that runs", EXIT_CODE)


def test_one_that_has_ended_its_work_may_take_its_time() -> None:
    assert ended("beating.cancel(); await asyncio.sleep(0.2); time.sleep(2)") == (
        "a loop that runs",
        0,
    )


def test_work_that_an_unforeseen_error_ends_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "AGAIN", 0.0)
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise ZeroDivisionError
        raise asyncio.CancelledError  # as at the end of the gateway

    with capture_logs() as said, pytest.raises(asyncio.CancelledError):
        asyncio.run(upkeep.keep("lists", work))
    assert begun == 2
    assert [(each["event"], each["work"]) for each in said] == [("work_ended", "lists")]


def test_what_is_old_is_deleted_until_none_is_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "INTERVAL", 0.0)
    answers: list[int | Exception] = [AccountsUnavailable("locked"), 500, 20, 0]

    def some() -> int:
        if not answers:
            raise asyncio.CancelledError  # as at the end of the gateway
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    name, labels = "seedcast_gateway_forgotten_total", {"what": "things"}
    counted = partial(REGISTRY.get_sample_value, name, labels)
    with capture_logs() as said, pytest.raises(asyncio.CancelledError):
        asyncio.run(upkeep.forget("things", some))
    assert counted() == 520
    assert [each["event"] for each in said] == ["not_forgotten", "forgotten", "forgotten"]
