"""The audit's benchmark on small nights: it proves the whole ones and names every fault."""

import json
from pathlib import Path

import pytest

from benchmarks.audit import main
from benchmarks.night.faults import FAULTS
from benchmarks.night.omissions import OMISSIONS

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
    incomplete = report["lacking"]
    assert {words: run["caught"] for words, run in incomplete.items()} == {
        words: {words: True} for words in OMISSIONS
    }
    assert all((run["exit_code"], run["unexpected"]) == (1, []) for run in incomplete.values())
    resident = clean["resident_mib"]
    assert 0 < resident["at 10 %"] <= resident["peak"] < 1024


def test_objects_written_as_files_are_proven_like_those_that_were_put(tmp_path: Path) -> None:
    out = tmp_path / "audit.json"
    assert main(["--requests", "200", "--place", "--once", "--out", str(out)]) == 0
    (night,) = json.loads(out.read_text())["nights"]
    assert (night["clean"]["ok"], night["broken"]) == (True, None)
