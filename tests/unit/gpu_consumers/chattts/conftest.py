"""Fabricated weights for the session: the real architecture at a small size."""

from pathlib import Path

import pytest

from seedcast.gpu_consumers.engines.chattts.model.dimensions import TINY
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Assets:
    return fabricate(Path(tmp_path_factory.mktemp("tiny")), TINY, seed=1)
