"""The process that stages a list for a gateway: its memory is bounded, and it goes with it."""

import subprocess
import sys

import msgspec
import pytest

from seedcast.cli import list_process, stager
from seedcast.cli.exit_codes import Exit
from seedcast.errors import InvalidInput
from seedcast.producers.staging.list_job import ListJob, StagedOptions
from seedcast.settings import Settings
from seedcast.storage.memory_store import MemoryStore

JOB = ListJob(
    campaign_id="night",
    tenant="shop",
    is_check=False,
    uri="s3://memory/list",
    filename="my list.csv",
    report_key="report",
    memory=256,
    options=StagedOptions(format="csv"),
)


def test_more_memory_than_is_allowed_is_an_error_of_python() -> None:
    script = "from seedcast.cli.list_process import bound_memory; bound_memory(256); bytes(2**29)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.rstrip().endswith("MemoryError")


def test_it_ends_once_its_gateway_is_gone() -> None:
    script = "import time; from seedcast.cli import list_process as p; p.end_with_the_gateway()"
    script += "; time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(b"more\n")
    process.stdin.close()  # as the kernel does for a process that was killed
    assert process.wait(60) == Exit.UNAVAILABLE


def refusing(
    store: MemoryStore, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """Return what is stored of a list whose staging raises this."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(stager, "S3Store", lambda _: store)
    monkeypatch.setattr(stager, "submit_copy", fail)
    monkeypatch.setattr(stager, "read_campaigns", lambda _: {})
    with open("/dev/null", "wb") as told:
        end = stager._Stager(Settings(), JOB, stager._Progress(told)).run()
    assert end.end == "refused"
    found: dict[str, object] = msgspec.json.decode(store.get(store.uri("report")))
    return found


def test_a_list_that_needs_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    store.put("list", b"text\nHello.\n", "text/csv")
    arrows = InvalidInput("the file is damaged")
    arrows.__cause__ = MemoryError()
    for error in (MemoryError(), arrows):
        assert "256 MiB" in str(refusing(store, error, monkeypatch)["reason"])


def test_a_reason_names_the_list_and_no_file_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    store.put("list", b"text\nHello.\n", "text/csv")
    temporary = list_process.temporary

    def remembered() -> object:
        made = temporary()
        wrong.args = (f"{made[1]} is damaged",)
        return made

    wrong = InvalidInput("")
    monkeypatch.setattr(list_process, "temporary", remembered)
    assert refusing(store, wrong, monkeypatch)["reason"] == "my list.csv is damaged"


def test_a_file_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusing(MemoryStore(), ValueError(), monkeypatch)["reason"] == "its file was deleted"
