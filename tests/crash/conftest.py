"""A night for each test, and a seed to repeat its chances by; what it notes is shown at the end of a run, by tests/conftest."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedcast.settings import Settings
from tests.crash.night import Night, impatient


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """FAULT_ROUNDS runs what is left to chance so many times; the round is part of the test's name, and so of its chances."""
    rounds = int(os.environ.get("FAULT_ROUNDS") or 1)
    if "chance" in metafunc.fixturenames and rounds > 1:
        metafunc.parametrize(
            "chance", range(rounds), indirect=True, ids=lambda number: f"round {number + 1}"
        )


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Another moment each time; FAULT_SEED repeats one."""
    seed = os.environ.get("FAULT_SEED") or str(random.SystemRandom().randrange(2**32))
    request.node.user_properties.append(("seed", seed))
    print(f"FAULT_SEED={seed}")
    return random.Random(f"{seed} {request.node.name}")


@pytest.fixture
def night(settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Night]:
    yield from a_night(Night(impatient(settings), tmp_path, settings), request)


def a_night(night: Night, request: pytest.FixtureRequest) -> Iterator[Night]:
    """Its workers end with the test; what it measured goes to the report."""
    try:
        yield night
    finally:
        night.close()
        request.node.user_properties += [
            (recovery.fault, f"{recovery.seconds:.1f} s") for recovery in night.recoveries
        ]
        request.node.user_properties += [
            (f"repeats on {topic}", str(count)) for topic, count in night.repeats.items()
        ]
