"""Seedcast's processes for tests, forked from one process that has imported what they need.

A fork starts in milliseconds, where a fresh interpreter imports for seconds. It is a process as
any other: it can be killed, stopped and asked to leave. It ends when the test run is killed.
What depends on the start of an interpreter (its arguments, Python's own exit) needs a fresh one.
"""

import ctypes
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from seedcast.embedded import Stack

# Not seedcast.cli: its consoles read COLUMNS and TERM when it is imported.
PRELOADED = [
    "alembic.command",
    "numpy",
    "psutil",
    "rich.progress",
    "rich.prompt",
    "rich.table",
    "av",
    "librosa.core.audio",
    "librosa.util.utils",
    "scipy.signal",
    "soundfile",
    "seedcast.campaigns.subscription",
    "seedcast.gpu_consumers.app",
    "seedcast.producers.feeder.app",
    "seedcast.producers.gateway.app",
    "seedcast.producers.staging.submit",
    "seedcast.storage.audit.auditor",
    "seedcast.storage.s3",
    "seedcast.stream_apps.index.app",
    "seedcast.stream_apps.postprocess.app",
    "typer.main",
    "tests.builders.frozen",
]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(PRELOADED)
_PR_SET_PDEATHSIG = 1


class ForkedProcess:
    """A process with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        self._process = _CONTEXT.Process(target=target, args=arguments)
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired("the forked process", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    arguments: Sequence[object],
    environment: Mapping[str, str],
    stdout: Path,
    stderr: Path | None = None,
    module: str = "seedcast.cli",
    folder: Path | None = None,
    preexec: Callable[[], None] | None = None,
) -> ForkedProcess:
    """Start `python -m MODULE ARGUMENTS` with exactly these variables.

    Without `stderr` both streams go into the one file. `preexec` is called before the module runs;
    it must be importable, not a closure.
    """
    argv = [str(argument) for argument in arguments]
    for file in filter(None, (stdout, stderr)):
        file.write_bytes(b"")  # as with a shell, it is there before the process runs
    return ForkedProcess(
        _run, module, argv, dict(environment), stdout, stderr, folder or Path.cwd(), preexec
    )


def run(
    arguments: Sequence[object], environment: Mapping[str, str], folder: Path, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run `seedcast ARGUMENTS` to its end. Its output goes through two files in `folder`."""
    stdout, stderr = folder / "stdout", folder / "stderr"
    process = start(arguments, environment, stdout, stderr)
    try:
        code = process.wait(timeout)
    finally:
        process.kill()
    command = ["seedcast", *map(str, arguments)]
    return subprocess.CompletedProcess(command, code, stdout.read_text(), stderr.read_text())


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Let a process stand still within the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def stop_when_orphaned(home: Path) -> ForkedProcess:
    """Start a process that stops the stack in `home` if this test run is killed."""
    return ForkedProcess(_stop_when_orphaned, home)


def _stop_when_orphaned(home: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group
    os.setsid()
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    Stack(home).stop()


def _run(
    module: str,
    arguments: list[str],
    environment: dict[str, str],
    stdout: Path,
    stderr: Path | None,
    folder: Path,
    preexec: Callable[[], None] | None,
) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    _write_to(1, stdout)
    _write_to(2, stderr) if stderr else os.dup2(1, 2)
    if preexec:
        preexec()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _write_to(descriptor: int, file: Path) -> None:
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(opened, descriptor)
    os.close(opened)
