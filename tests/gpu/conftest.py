"""Tests of the ChatTTS engine on a CUDA device, without Kafka, S3 and downloaded weights.

The files are numbered from the smallest part up: the first failure explains those after it.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from seedcast.gpu_consumers.engines.chattts.kernels.determinism import make_repeatable
from seedcast.gpu_consumers.engines.chattts.model.dimensions import TINY
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.gpu)
            item.add_marker(
                pytest.mark.skipif(
                    not torch.cuda.is_available(), reason="needs a CUDA device that torch can use"
                )
            )


@pytest.fixture(scope="session", autouse=True)
def _repeatable() -> None:
    make_repeatable()


@pytest.fixture(scope="session")
def device() -> torch.device:
    return torch.device("cuda")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Assets:
    return fabricate(tmp_path_factory.mktemp("tiny"), TINY, seed=1)
