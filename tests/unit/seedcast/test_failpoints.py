"""Failpoints: the code passes every edge of the table, and only an armed one acts."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seedcast import settings
from seedcast.errors import InvalidSettings
from seedcast.failpoints import EDGES, VARIABLE

ROOT = Path(__file__).parents[3]
ROOMS = ("producers", "gpu_consumers", "storage", "stream_apps")
THREE_ROUNDS = """
from seedcast.failpoints import failpoint
for n in range(3):
    failpoint('gpu.sent')
    failpoint('gpu.polled')
    print(n, flush=True)
"""


def run(value: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", THREE_ROUNDS],
        env={VARIABLE: value},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_table_lists_exactly_the_edges_in_the_code() -> None:
    sources = "\n".join(path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    assert sorted(re.findall(r'\bfailpoint\("([^"]+)"\)', sources)) == sorted(EDGES)


@pytest.mark.parametrize(
    ("value", "code", "output"),
    [
        ("", 0, "0\n1\n2\n"),
        ("gpu.sent:2", -signal.SIGKILL, "0\n"),
        ("gpu.commit:1", 0, "0\n1\n2\n"),
    ],
)
def test_the_process_is_killed_at_the_requested_passage(value: str, code: int, output: str) -> None:
    process = run(value)
    assert process.communicate(timeout=30)[0] == output
    assert process.returncode == code


@pytest.mark.parametrize("action", ["hang", "stop"])
def test_a_hanging_or_stopped_process_does_not_continue(action: str) -> None:
    process = run(f"gpu.polled:3:{action}")
    try:
        assert process.stdout
        assert [process.stdout.readline() for _ in range(2)] == ["0\n", "1\n"]
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    finally:
        process.kill()
        assert process.communicate()[0] == ""


@pytest.mark.parametrize(
    "value",
    [
        "gpu.nowhere:1",
        "gpu.sent",
        "gpu.sent:0",
        "gpu.sent:-1",
        "gpu.sent:x",
        "gpu.sent:1:explode",
        "gpu.sent:٣",
    ],
)
def test_an_unknown_edge_passage_or_action_is_an_invalid_setting(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(InvalidSettings, match=VARIABLE):
        settings.load()


def test_settings_load_with_a_valid_failpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "gpu.sent:1:hang")
    assert settings.load()
