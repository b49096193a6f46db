"""A real Kafka and a real S3 for the whole run, with a prefix and a bucket per test."""

import gc
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import hypothesis
import pytest

from seedcast.embedded import Stack
from seedcast.embedded import stack as stack_module
from seedcast.embedded.stack_state import lock_home
from seedcast.settings import AccountsSettings, IndexSettings, Settings
from tests.builders import processes
from tests.builders.deployments import Spawn, environment, fresh
from tests.builders.postgres_server import PostgresServer, postgres_server
from tests.builders.processes import ForkedProcess

gc.disable()  # until all is collected: what is imported, and all tests, are no garbage

stack_module.START_TIMEOUT = 180.0  # seconds: several stacks may start at once

# On a busy machine any example may be slow now and then.
hypothesis.settings.register_profile(
    "busy",
    hypothesis.settings.default,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("busy")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests of the fault matrix measured.

    The hook is here and not beside them because in a parallel run the process that reports loads
    this file alone.
    """
    reports = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.nodeid.startswith("tests/crash/")
    ]
    if not reports:
        return
    measured: dict[str, list[tuple[str, object]]] = {}
    for report in reports:  # the report of a test's last phase has all properties
        properties = max(measured.get(report.nodeid, []), report.user_properties, key=len)
        measured[report.nodeid] = properties
    terminalreporter.section("faults: from the fault, or its end, until the group commits again")
    for name, properties in measured.items():
        values = ", ".join(f"{what} {value}" for what, value in properties)
        terminalreporter.line(f"{name.rpartition('::')[2]}: {values}")
    seconds = sum(report.duration for report in reports)
    terminalreporter.line(f"{len(measured)} tests in {seconds:.0f} s")


@pytest.hookimpl(tryfirst=True)  # before `-m` is applied
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test marked `sample(N)`, N cases run always, the same each time; the rest is slow.

    An N below 1 is a share of them, of which one case is the least.
    """
    cases = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        if item.get_closest_marker("sample") and not item.get_closest_marker("slow"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for name, found in cases.items():
        [size] = found[0].get_closest_marker("sample").args  # type: ignore[union-attr]
        number = size if size >= 1 else max(1, round(size * len(found)))
        kept = Random(name).sample(range(len(found)), min(number, len(found)))
        for place, item in enumerate(found):
            if place not in kept:
                item.add_marker("slow")


def pytest_collection_finish() -> None:
    """From here on only what tests make is looked at: to walk through the rest takes a second."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_machine() -> None:
    for name in [name for name in os.environ if name.startswith("SEEDCAST_")]:
        del os.environ[name]


@contextmanager
def running(home: Path) -> Iterator[Stack]:
    """Run a stack, which stops also when the test run is killed."""
    started, guard = Stack(home), processes.stop_when_orphaned(home)
    try:
        started.start()
        yield started
    finally:
        started.stop()
        guard.kill()


@contextmanager
def shared(folder: Path) -> Iterator[Stack]:
    """Run one stack for all processes of a run: the first starts it, and the last stops it."""
    stack, users = Stack(folder / "stack"), folder / "users-of-the-stack"
    user, guard = users / str(os.getpid()), processes.stop_when_orphaned(stack.home)
    try:
        with lock_home(users):
            user.touch()
            stack.start()
        yield stack
    finally:
        with lock_home(users):
            user.unlink(missing_ok=True)
            if not any(other.name.isdigit() for other in users.iterdir()):
                stack.stop()
        guard.kill()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of the whole run, whose servers no test may stop, freeze or slow."""
    folder = tmp_path_factory.getbasetemp()
    is_one_of_several = "PYTEST_XDIST_WORKER" in os.environ
    with shared(folder.parent if is_one_of_several else folder) as started:
        yield started


@pytest.fixture(scope="module")
def _stack_of_the_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture
def stoppable_stack(_stack_of_the_module: Stack) -> Stack:
    """A stack of this module alone, whose servers a test may stop. They run before each test."""
    _stack_of_the_module.start()
    return _stack_of_the_module


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return fresh(stack)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def index_settings(request: pytest.FixtureRequest, tmp_path: Path) -> IndexSettings:
    """A database without tables: of SQLite, and then of PostgreSQL."""
    if request.param == "sqlite":
        return IndexSettings(url=f"sqlite:///{tmp_path}/index.sqlite")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def accounts_settings(index_settings: IndexSettings) -> AccountsSettings:
    """The same database, for accounts. Beside the tables of an index there is room for them."""
    shared = ("url", "password", "tls")
    return AccountsSettings(**{name: getattr(index_settings, name) for name in shared})


@pytest.fixture
def seedcast(tmp_path: Path) -> Iterator[Spawn]:
    """A function that starts `seedcast ARGUMENTS` in the background.

    At the end of the test each process is killed and its log printed.
    """
    children: list[tuple[ForkedProcess, Path]] = []

    def spawn(arguments: Sequence[str], settings: Settings, **env: str) -> ForkedProcess:
        log = tmp_path / f"process-{len(children)}.log"
        child = processes.start(arguments, environment(settings) | env, log)
        children.append((child, log))
        return child

    yield spawn
    for child, log in children:
        if child.poll() is None:
            child.kill()
            child.wait()
        print(f"--- {log.name}\n{log.read_text(errors='replace')[-30_000:]}")
