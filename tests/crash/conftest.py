"""A night for each test, a seed to repeat its chances by, and a table of recoveries at the end."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedcast.settings import Settings
from tests.crash.night import Night, impatient


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
        request.node.user_properties += [(recovery.fault, f"{recovery.seconds:.1f} s") for recovery in night.recoveries]
        request.node.user_properties += [(f"repeats on {topic}", str(count)) for topic, count in night.repeats.items()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    noted: dict[str, list[tuple[str, object]]] = {}
    for report in (report for reports in terminalreporter.stats.values() for report in reports if isinstance(report, pytest.TestReport)):
        if "tests/crash/" in report.nodeid:  # the last phase of a test has them all
            noted[report.nodeid] = max(noted.get(report.nodeid, []), report.user_properties, key=len)
    if any(noted.values()):
        terminalreporter.section("faults: from the fault, or its end, until the group commits again")
    for name, properties in noted.items():
        terminalreporter.line(f"{name.rpartition('::')[2]}: " + ", ".join(f"{what} {value}" for what, value in properties))
