"""A real Kafka and a real S3 for the whole session, with a prefix and a bucket per test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import hypothesis
import psutil
import pytest
from confluent_kafka import KafkaException
from pydantic import SecretStr

from seedcast.embedded import Stack, connected
from seedcast.embedded import stack as stack_module
from seedcast.errors import Retryable
from seedcast.kafka import Admin
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store

stack_module.START_TIMEOUT = 180.0  # seconds: four stacks may start at once

# On a busy machine any example may be slow now and then.
hypothesis.settings.register_profile(
    "busy",
    hypothesis.settings.default,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("busy")


def eventually(
    holds: Callable[[], object], timeout: float = 180.0, what: str = "the condition"
) -> None:
    """Poll `holds` until it returns a true value; fail the test after `timeout` seconds.

    A broker that is too busy to answer is asked again. `what` names the condition.
    """
    deadline, problem = time.monotonic() + timeout, ""
    while True:
        try:
            if holds():
                return
        except (Retryable, KafkaException) as error:
            problem = f": {error}"
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come true within {timeout:g} s{problem}")
        time.sleep(0.05)


def wait_until_stopped(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has stopped itself at its failpoint.

    There it is in the middle of its work, however fast or slow the machine is.
    """
    eventually(
        lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED,
        what="the worker to stop at its failpoint",
    )


def terminate_at_failpoint(process: subprocess.Popen[bytes]) -> int:
    """Send SIGTERM to a process that its failpoint has stopped; return its exit code.

    It receives the signal when SIGCONT lets it run again.
    """
    wait_until_stopped(process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    return process.wait(timeout=90)


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that give a subprocess the same settings, secrets included."""
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith("SEEDCAST_")
    }
    for section in ("kafka", "s3", "gpu", "postprocess", "log"):
        part = getattr(settings, section)
        for field in part.model_fields_set:
            value = getattr(part, field)
            plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            variables[f"SEEDCAST_{section}_{field}".upper()] = plain
    return variables | {"SEEDCAST_HOME": str(settings.home), "SEEDCAST_LOG_FORMAT": "json"}


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


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_machine() -> None:
    for name in [name for name in os.environ if name.startswith("SEEDCAST_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    started = Stack(tmp_path_factory.mktemp("stack"))
    try:
        started.start()
        yield started
    finally:
        started.stop()


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack for one test, which may stop its servers."""
    started = Stack(tmp_path / "stack")
    try:
        started.start()
        yield started
    finally:
        started.stop()


def fresh(stack: Stack) -> Settings:
    """Return connected settings with topics and a bucket that no other test uses."""
    name = f"t{uuid4().hex[:10]}"
    settings = connected(Settings(home=stack.home))
    kafka = settings.kafka.model_copy(update={"prefix": name, "partitions": 4})
    s3 = settings.s3.model_copy(update={"bucket": name})
    settings = settings.model_copy(update={"kafka": kafka, "s3": s3})
    eventually(lambda: Admin(settings).ensure_topics() is not None, what="its topics")
    S3Store(settings.s3).ensure_bucket()
    return settings


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return fresh(stack)


class Spawn(Protocol):
    def __call__(
        self, arguments: Sequence[str], settings: Settings, **env: str
    ) -> subprocess.Popen[bytes]: ...


@pytest.fixture
def seedcast(tmp_path: Path) -> Iterator[Spawn]:
    """A function that starts `seedcast ARGUMENTS` in the background.

    At the end of the test each process is killed and its log printed.
    """
    children: list[tuple[subprocess.Popen[bytes], Path]] = []

    def spawn(arguments: Sequence[str], settings: Settings, **env: str) -> subprocess.Popen[bytes]:
        log = tmp_path / f"process-{len(children)}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "seedcast.cli", *arguments],
                env=environment(settings) | env,
                stdout=output,
                stderr=output,
            )
        children.append((child, log))
        return child

    yield spawn
    for child, log in children:
        if child.poll() is None:
            child.kill()
            child.wait()
        print(f"--- {log.name}\n{log.read_text(errors='replace')[-30_000:]}")
