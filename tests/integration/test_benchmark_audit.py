"""The audit's benchmark on small nights: what is whole is proven, everything broken is named, and the figures are written."""

import json
from pathlib import Path

import pytest

from benchmarks.audit import main
from benchmarks.night.lacking import LACKS
from benchmarks.night.spoil import FAULTS

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_fabricated_night_is_proven_and_each_fault_in_it_is_named(tmp_path: Path) -> None:
    out = tmp_path / "results" / "audit.json"
    assert main(["--requests", "200", "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    (night,) = report["nights"]
    clean, broken = night["clean"], night["broken"]
    assert (clean["ok"], clean["exit_code"], clean["findings"]) == (True, 0, {})
    assert (broken["ok"], broken["exit_code"], broken["unexpected"]) == (False, 1, [])
    assert broken["caught"] == dict.fromkeys(FAULTS, True)
    assert {name: found["caught"] for name, found in report["lacking"].items()} == {
        name: {name: True} for name in LACKS
    }
    assert all(
        (found["exit_code"], found["unexpected"]) == (1, []) for found in report["lacking"].values()
    )
    resident = clean["resident_mib"]
    assert 0 < resident["at 10 %"] <= resident["peak"] < 1024


def test_objects_that_were_placed_as_files_are_as_good_as_put(tmp_path: Path) -> None:
    out = tmp_path / "audit.json"
    assert main(["--requests", "200", "--place", "--once", "--out", str(out)]) == 0
    (night,) = json.loads(out.read_text())["nights"]
    assert (night["clean"]["ok"], night["broken"]) == (True, None)
