"""`seedcast demo` as a newcomer runs it: in a clean folder, again, and interrupted."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import soundfile

from tests.builders.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SEEDCAST_")}
    command = [sys.executable, "-m", "seedcast.cli", "demo", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(folder: Path, *arguments: str) -> dict[str, object]:
    process = start(folder, *arguments, "--json")
    out, err = process.communicate(timeout=540)
    assert process.returncode == 0, err
    summary: dict[str, object] = json.loads(out.strip().splitlines()[-1])
    return summary | {"said": err}


def left_running(folder: Path) -> list[str]:
    """Return the commands of the processes that name the demo's folder or run in it."""
    home = str(folder)
    return [
        " ".join(p.info["cmdline"] or ())
        for p in psutil.process_iter(["cmdline", "cwd"])
        if p.pid != os.getpid() and home in f"{p.info['cmdline']}{p.info['cwd']}"
    ]


def test_the_example_is_spoken_once_and_nothing_is_left_running(tmp_path: Path) -> None:
    first = run(tmp_path)
    assert first["accepted"] == first["succeeded"] == 312
    assert "espeak on the CPU, 8 slots, fingerprint espeak-" in str(first["said"])
    assert first["rejected"] == 5
    assert (first["failed"], first["expired"], first["cancelled"]) == (0, 0, 0)
    files = sorted((tmp_path / ".seedcast" / "audio" / "demo").iterdir())
    assert len(files) > 312  # some rows ask for two profiles
    assert soundfile.info(next(f for f in files if f.suffix == ".wav")).samplerate == 8000
    rejected_file = tmp_path / ".seedcast" / "demo" / "demo.csv.rejected.jsonl"
    rejected = rejected_file.read_text().splitlines()
    assert sorted(json.loads(line)["row"] for line in rejected) == [47, 98, 151, 203, 266]
    assert left_running(tmp_path) == []

    again = run(tmp_path)
    for differs in ("wall_seconds", "said"):
        del first[differs], again[differs]
    assert again == first
    assert left_running(tmp_path) == []


def test_ctrl_c_stops_cleanly_and_the_next_run_continues(tmp_path: Path) -> None:
    process = start(tmp_path, "--rows", "300")
    folder = tmp_path / ".seedcast" / "s3" / "seedcast" / "demo-300"
    eventually(
        lambda: folder.is_dir() and any(folder.rglob("*.*")),
        timeout=300,
        what="the first audio object",
    )
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=240)
    assert process.returncode == 130
    assert left_running(tmp_path) == []
    summary = run(tmp_path, "--rows", "300")
    assert summary["accepted"] == summary["succeeded"]
    assert summary["accepted"] == 300
