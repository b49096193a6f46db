"""Fabricated weights, the real architecture at a small size; and a device that is not there."""

from pathlib import Path

import pytest

from seedcast.gpu_consumers.engines.chattts.model.dimensions import TINY
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate
from tests.unit.gpu_consumers.chattts.recorded_cuda import RecordedCuda


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Assets:
    return fabricate(Path(tmp_path_factory.mktemp("tiny")), TINY, seed=1)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> RecordedCuda:
    recorded = RecordedCuda()
    recorded.install(monkeypatch)
    return recorded
