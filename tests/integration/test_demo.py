"""`seedcast demo` as a newcomer runs it: in a clean folder, again, and interrupted."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def run(folder: Path, *arguments: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return the summaries of the large and the small campaign, and what was printed beside."""
    process = start(folder, *arguments, "--json")
    out, err = process.communicate(timeout=540)
    assert process.returncode == 0, err
    large, small = map(json.loads, out.splitlines())
    return large, small, err


def left_running(folder: Path) -> list[str]:
    """Return the commands of the processes that name the demo's folder or run in it."""
    home = str(folder)
    return [
        " ".join(p.info["cmdline"] or ())
        for p in psutil.process_iter(["cmdline", "cwd"])
        if p.pid != os.getpid() and home in f"{p.info['cmdline']}{p.info['cwd']}"
    ]


def audio_files(folder: Path) -> list[Path]:
    return sorted((folder / ".seedcast" / "audio" / "demo").iterdir())


@pytest.mark.slow
def test_an_interrupted_demo_continues_and_a_finished_one_does_nothing_again(
    tmp_path: Path,
) -> None:
    interrupted = start(tmp_path)
    objects = tmp_path / ".seedcast" / "s3" / "seedcast" / "demo"
    eventually(
        lambda: objects.is_dir() and any(objects.rglob("*.*")),
        timeout=300,
        what="the first audio object",
    )
    interrupted.send_signal(signal.SIGINT)
    _, said = interrupted.communicate(timeout=240)
    assert "starting kafka\n" in said
    assert said.endswith("interrupted; run it again to go on\n")
    assert interrupted.returncode == 130
    assert left_running(tmp_path) == []

    first, small, said = run(tmp_path)
    assert first["accepted"] == first["succeeded"] == 312
    assert "espeak on the CPU, 8 slots, fingerprint espeak-" in said
    assert re.search(r"^  http://127\.0\.0\.1:\d+/login#once-[\w-]{43}$", said, re.MULTILINE)
    assert first["rejected"] == 5
    assert (first["failed"], first["expired"], first["cancelled"]) == (0, 0, 0)
    assert (small["campaign_id"], small["accepted"], small["succeeded"]) == ("demo-small", 24, 24)
    assert len(audio_files(tmp_path)) > 312  # some rows ask for two profiles
    wav = next(file for file in audio_files(tmp_path) if file.suffix == ".wav")
    assert soundfile.info(wav).samplerate == 8000
    rejected_file = tmp_path / ".seedcast" / "demo" / "demo.csv.rejected.jsonl"
    rejected = rejected_file.read_text().splitlines()
    assert sorted(json.loads(line)["row"] for line in rejected) == [47, 98, 151, 203, 266]
    assert left_running(tmp_path) == []

    again = run(tmp_path)
    for summary in (first, small, *again[:2]):
        for differs in ("done_seconds", "wall_seconds"):
            del summary[differs]
    assert again[:2] == (first, small)
    assert left_running(tmp_path) == []


@pytest.mark.slow
def test_the_small_campaign_does_not_wait_for_the_large_one(tmp_path: Path) -> None:
    large, small, said = run(tmp_path, "--rows", "200", "--engine", "echo")
    assert (large["campaign_id"], small["campaign_id"]) == ("demo-echo-200", "demo-echo-200-small")
    assert (large["succeeded"], small["succeeded"]) == (200, 24)
    assert small["done_seconds"] < large["done_seconds"]
    assert "echo, which speaks nothing, 64 slots" in said
