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

    first = run(tmp_path)
    assert first["accepted"] == first["succeeded"] == 312
    assert "espeak on the CPU, 8 slots, fingerprint espeak-" in str(first["said"])
    assert first["rejected"] == 5
    assert (first["failed"], first["expired"], first["cancelled"]) == (0, 0, 0)
    assert len(audio_files(tmp_path)) > 312  # some rows ask for two profiles
    wav = next(file for file in audio_files(tmp_path) if file.suffix == ".wav")
    assert soundfile.info(wav).samplerate == 8000
    rejected_file = tmp_path / ".seedcast" / "demo" / "demo.csv.rejected.jsonl"
    rejected = rejected_file.read_text().splitlines()
    assert sorted(json.loads(line)["row"] for line in rejected) == [47, 98, 151, 203, 266]
    assert left_running(tmp_path) == []

    again = run(tmp_path)
    for differs in ("wall_seconds", "said"):
        del first[differs], again[differs]
    assert again == first
    assert left_running(tmp_path) == []
