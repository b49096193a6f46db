"""The soak, shortened: some faults drawn at random over one campaign, and the audit at its end."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.night import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.slow]

REQUESTS = 1500
ARGUMENTS = ["--requests", str(REQUESTS), "--minutes", "0.5", "--calm", "2"]


def test_a_short_soak_ends_proven(tmp_path: Path, chance: random.Random) -> None:
    out = tmp_path / "soak.json"
    command = [
        sys.executable,
        "-m",
        "benchmarks.soak",
        *ARGUMENTS,
        "--seed",
        str(chance.randrange(2**32)),
        "--out",
        str(out),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    print(done.stdout)
    assert done.returncode == 0
    report = json.loads(out.read_text())
    assert (report["requests"], report["losses"], report["audit"]) == (
        REQUESTS,
        0,
        {"ok": True, "breaches": []},
    )
    assert report["faults"]
    assert all(fault["recovered_after"] is not None for fault in report["faults"])
