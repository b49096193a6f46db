"""A preview has its time, its memory and its place, whatever the process that makes it does."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from seedcast.producers.gateway import previews
from seedcast.producers.gateway.previews import LARGEST, Previews
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.staging.list_job import ListOptions
from seedcast.producers.staging.preview import ListPreview
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.files import StoredFile
from seedcast.storage.memory_store import MemoryStore

ANSWERS = "import sys; sys.stdin.readline(); print('{}', flush=True)"
HANGS = "import time; time.sleep(600)"
TOO_LONG = "import sys; sys.stdin.readline(); print('x' * 5_000_000, flush=True)"
DIES = "raise SystemExit(3)"
# What the previewer itself does before it reads a list.
TOO_MUCH = """
import json, sys
from seedcast.cli.list_process import bound_memory
bound_memory(json.loads(sys.stdin.readline())["memory"])
bytearray(1 << 30)
print("{}", flush=True)
"""


def run(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(previews, "COMMAND", (sys.executable, "-c", program))


def a_list(size: int = 100) -> StoredFile:
    now = datetime.now(UTC)
    return StoredFile(
        file_id="file-1",
        tenant="bank",
        filename="list.csv",
        purpose="list",
        bytes=size,
        sha256="",
        created_at=now,
        expires_at=now,
    )


def made(places: int = 1) -> Previews:
    return Previews(GatewaySettings(previews=places), MemoryStore())


def ended() -> float:
    return REGISTRY.get_sample_value("seedcast_gateway_previews_total", {"end": "ended"}) or 0.0


def preview(file: StoredFile | None = None) -> ListPreview:
    return asyncio.run(made().of(file or a_list(), ListOptions()))


def test_what_the_process_tells_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, ANSWERS)
    assert preview() == msgspec.json.decode("{}", type=ListPreview)


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        (HANGS, "TimeoutError"),
        (TOO_LONG, "ValueError"),
        (DIES, "DecodeError"),
        (TOO_MUCH, "DecodeError"),
    ],
    ids=["time", "size", "code", "memory"],
)
def test_one_that_ends_early_is_told_and_counted(
    monkeypatch: pytest.MonkeyPatch, program: str, problem: str
) -> None:
    run(monkeypatch, program)
    monkeypatch.setattr(previews, "SECONDS", 1.0 if program is HANGS else 30.0)
    before = ended()
    with capture_logs() as said, pytest.raises(Problem) as refused:
        preview()
    assert refused.value.status == 503
    assert [(each["event"], each["problem"]) for each in said] == [("preview_ended", problem)]
    assert ended() == before + 1


def test_a_list_that_is_too_large_to_copy_has_none() -> None:
    with pytest.raises(Problem) as refused:
        preview(a_list(LARGEST + 1))
    assert (refused.value.status, refused.value.code) == (413, "too_large_to_preview")


def test_so_many_run_at_once_and_a_place_is_free_when_one_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(previews, "PATIENCE", 0.2)

    async def crowd() -> list[Any]:
        looking = made()
        run(monkeypatch, HANGS)
        first = asyncio.create_task(looking.of(a_list(), ListOptions()))
        await asyncio.sleep(0)  # it has the place now
        refused = await asyncio.gather(looking.of(a_list(), ListOptions()), return_exceptions=True)
        first.cancel()
        await asyncio.wait([first])
        run(monkeypatch, ANSWERS)
        return [*refused, await looking.of(a_list(), ListOptions())]

    refused, shown = asyncio.run(crowd())
    assert (refused.status, str(refused)) == (503, "too many lists are looked at on this gateway")
    assert isinstance(shown, ListPreview)
