"""The benchmarks of the whole pipeline, on short lists: they end, count and write their figures."""

import json
from pathlib import Path

import pytest

from benchmarks import full_topic, pipeline

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_night_of_echoes_is_proven_and_its_memory_is_sampled(tmp_path: Path) -> None:
    out = tmp_path / "results" / "pipeline.json"
    assert pipeline.main(["--rows", "60", "--engine", "echo", "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    (run,) = report["runs"]
    assert report["engine"] == "echo"
    assert run["outcomes"] == {"succeeded": 60, "failed": 0, "expired": 0, "cancelled": 0}
    assert (run["audit"]["ok"], run["audit"]["findings"]) == (True, {})
    processes = {"kafka", "s3", "feeder", "gpu-consumer", "postprocess", "benchmark"}
    assert run["cpu_seconds"].keys() == run["resident_mib"].keys() == processes
    assert all(0 < mib["at 10 %"] <= mib["peak"] for mib in run["resident_mib"].values())
    assert run["resident_over_time"][0].keys() == {"seconds", "finished", *processes}
    assert run["broker_mib"]["seedcast.audio"] > 0


def test_a_fed_list_is_compared_with_a_full_topic(tmp_path: Path) -> None:
    out = tmp_path / "results" / "full_topic.json"
    full_topic.main(["--rows", "60", "--pairs", "1", "--out", str(out)])
    (pair,) = json.loads(out.read_text())["pairs"]
    workers = {"kafka", "s3", "gpu-consumer", "postprocess"}
    assert pair["fed"]["cpu_ms_by_process"].keys() == workers | {"feeder"}
    assert pair["written"]["cpu_ms_by_process"].keys() == workers | {"writing"}
    for leg in pair.values():
        assert leg["cpu_ms"] == pytest.approx(sum(leg["cpu_ms_by_process"].values()), abs=0.01)
