"""A short soak: some faults drawn at random over one campaign, and the audit at its end."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.deployment import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.slow]

REQUESTS = 1500
ARGUMENTS = ["--requests", str(REQUESTS), "--minutes", "0.5", "--calm", "2"]


def test_a_short_soak_loses_nothing_and_passes_its_audit(
    tmp_path: Path, chance: random.Random
) -> None:
    out, seed = tmp_path / "soak.json", chance.randrange(2**32)
    command = [sys.executable, "-m", "benchmarks.soak", *ARGUMENTS]
    soak = subprocess.run(
        [*command, "--seed", str(seed), "--out", str(out)],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    print(soak.stdout)
    assert soak.returncode == 0
    report = json.loads(out.read_text())
    assert (report["requests"], report["losses"]) == (REQUESTS, 0)
    assert report["audit"] == {"ok": True, "breaches": []}
    assert report["faults"]
    assert all(fault["recovered_after"] is not None for fault in report["faults"])
