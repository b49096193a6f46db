"""Fabricated weights for the session: the real architecture, small."""

from pathlib import Path

import pytest

from gpu_consumers.engines.chattts.assets import Assets
from gpu_consumers.engines.chattts.dimensions import TINY
from gpu_consumers.engines.chattts.fabricate import fabricate


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Assets:
    return fabricate(Path(tmp_path_factory.mktemp("tiny")), TINY, seed=1)
