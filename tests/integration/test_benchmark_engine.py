"""The benchmark of the engine, on tiny weights: it runs, counts, and writes its three files."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("ChatTTS")

TINY = [
    "--slots",
    "4",
    "--upstream",
    "1",
    "2",
    "--precisions",
    "bfloat16",
    "float32",
    "--tokens",
    "8",
    "--scale",
    "0.05",
    "--budget",
    "60",
    "--quick",
]


@pytest.mark.slow
def test_the_benchmark_finishes_every_row_and_writes_its_figures(tmp_path: Path) -> None:
    from benchmarks.engine import main
    from seedcast.gpu_consumers.engines.chattts.model.dimensions import TINY as DIMENSIONS
    from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate

    models = fabricate(tmp_path / "models", DIMENSIONS, seed=1).folder
    main([*TINY, "--models", str(models), "--out", str(tmp_path / "results")])
    figures = json.loads((tmp_path / "results" / "engine.json").read_text())
    ours, _ = figures["seedcast"]
    assert (ours["equal"]["finished"], ours["equal"]["tokens"]) == (8, 64)
    assert ours["mixed"]["finished"] == 8
    assert [(run["lengths"], run["batch"], run["tokens"]) for run in figures["upstream"][:2]] == [
        ("equal", 1, 8),
        ("equal", 2, 16),
    ]
    assert figures["price"]["fixed"]["tokens"] == figures["price"]["free"]["tokens"]
    assert {run["lengths"] for run in figures["upstream"]} == {"equal", "mixed"}
    assert "price of reproducibility" in (tmp_path / "results" / "engine.md").read_text()
    assert (tmp_path / "results" / "engine.png").stat().st_size > 0
