"""No part of the prepared command can end the others: one that dies, hangs, or loses the device."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.device import __main__ as watching
from benchmarks.device.plan import PARTS, RESULTS

# Does the parts that are named, as `benchmarks.device.parts` does, but for the one that is told to
# do something else.
CHILD = """
import json, os, sys, threading
file, bad, manner, *parts = sys.argv[1:]
for part in parts:
    if part == bad and manner == "dies":
        os.abort()
    if part == bad and manner == "hangs":
        threading.Event().wait()
    holds = not (part == bad and manner == "loses the device")
    with open(file, "a") as results:
        result = {"part": part, "seconds": 1, "headline": "", "holds": holds}
        results.write(json.dumps(result) + os.linesep)
    if not holds:
        sys.exit(1)
"""


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        ("dies", "its process ended with exit code -6"),
        ("hangs", "it did not answer"),
        ("loses the device", ""),
    ],
)
def test_a_part_cannot_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: str, said: str
) -> None:
    def command(watch: watching._Watch) -> list[str]:
        results = tmp_path / RESULTS
        return [sys.executable, "-c", CHILD, str(results), "steps", manner, *watch._left]

    monkeypatch.setattr(watching._Watch, "_command", command)
    monkeypatch.setattr(watching._Watch, "_seconds", lambda _: 0.5)
    monkeypatch.setattr(watching, "START", 5)
    monkeypatch.setattr(watching, "GRACE", 1)
    monkeypatch.setattr(sys, "argv", ["run.sh", "--out", str(tmp_path)])
    assert watching.main() == 1
    written = [json.loads(line) for line in (tmp_path / RESULTS).read_text().splitlines()]
    assert [result["part"] for result in written] == list(PARTS)
    failed = [(result["part"], result["headline"]) for result in written if not result["holds"]]
    assert failed == [("steps", said)]


def test_what_no_time_is_left_for_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        watching._Watch,
        "_command",
        lambda _: [sys.executable, "-c", "import threading; threading.Event().wait()"],
    )
    monkeypatch.setattr(sys, "argv", ["run.sh", "--out", str(tmp_path), "--budget", "1"])
    assert watching.main() == 1
    written = [json.loads(line) for line in (tmp_path / RESULTS).read_text().splitlines()]
    assert {result["headline"] for result in written} == {"no time was left for it"}
    assert [result["part"] for result in written] == list(PARTS)
