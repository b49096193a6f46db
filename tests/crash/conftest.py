"""A deployment for each test, and a seed that repeats its random moments.

What a test measured goes to its report; tests/conftest prints it at the end of a run.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedcast.settings import Settings
from tests.crash.deployment import Deployment, with_short_timeouts


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that draw random moments FAULT_ROUNDS times.

    The round is part of the test's name, which seeds its draws, so rounds differ.
    """
    rounds = int(os.environ.get("FAULT_ROUNDS") or 1)
    if "chance" in metafunc.fixturenames and rounds > 1:
        metafunc.parametrize(
            "chance", range(rounds), indirect=True, ids=lambda number: f"round {number + 1}"
        )


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """A generator with a new seed in each run; FAULT_SEED repeats one."""
    seed = os.environ.get("FAULT_SEED") or str(random.SystemRandom().randrange(2**32))
    request.node.user_properties.append(("seed", seed))
    print(f"FAULT_SEED={seed}")
    return random.Random(f"{seed} {request.node.name}")


@pytest.fixture
def deployment(
    settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    short = with_short_timeouts(settings)
    yield from managed(Deployment(short, tmp_path, settings), request)


def managed(deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """Yield it; end its workers with the test, and add what it measured to the test's report."""
    try:
        yield deployment
    finally:
        deployment.close()
        request.node.user_properties += [
            (recovery.fault, f"{recovery.seconds:.1f} s") for recovery in deployment.recoveries
        ]
        request.node.user_properties += [
            (f"repeats on {topic}", str(count)) for topic, count in deployment.repeats.items()
        ]
